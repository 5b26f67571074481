"""CLIP's tokenizer, with a vocabulary small enough to check by hand."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from segue.errors import CheckpointError, DownloadError, InputError
from segue.layers.clip_tokenizer import CLIPTokenizer, byte_letters, clip_tokenizer

#: ids: bytes 0-255, bytes at a word's end 256-511, then these
TOKENIZER = CLIPTokenizer([("l", "o"), ("lo", "w</w>"), ("e", "r</w>"), ("lo", "w")])


def byte(letter: str, end: bool = False) -> int:
    return sorted(byte_letters().values()).index(letter) + 256 * end


def test_merges_by_rank() -> None:
    """By hand: "low" is lo + w</w>; "lower" has no w</w>: lo + w, er</w>; nothing joins "w" and "er"."""
    assert TOKENIZER.encode("low") == [513]
    assert TOKENIZER.encode("lower") == [515, 514]
    assert TOKENIZER.encode("lolo") == [512, byte("l"), byte("o", end=True)]


def test_words() -> None:
    """Case, HTML and space go; contractions, digits and marks are words of their own."""
    assert TOKENIZER.split("x") == ["x</w>"]
    assert TOKENIZER.encode(" LOW\n&amp;amp; ") == [513, byte("&", end=True)]
    assert TOKENIZER.encode("12") == [byte("1", end=True), byte("2", end=True)]
    assert TOKENIZER.encode("low's") == [513, byte("'"), byte("s", end=True)]
    assert TOKENIZER.encode("é") == [byte("Ã"), byte("©", end=True)]  # two bytes in UTF-8


def test_start_end_and_cut() -> None:
    assert TOKENIZER(["low", "low low low"], 4).tolist() == [[516, 513, 517, 0], [516, 513, 513, 517]]


def test_wrong_files(tmp_path: Path) -> None:
    text = tmp_path / "text.gz"
    text.write_bytes(b"no gzip")
    with pytest.raises(InputError, match=r"text\.gz: not a gzipped text"):
        clip_tokenizer(text)
    few = tmp_path / "few.gz"
    few.write_bytes(gzip.compress(b"version\na b\n"))
    with pytest.raises(InputError, match=r"few\.gz: expected 48894 pairs"):
        clip_tokenizer(few)
    with pytest.raises(CheckpointError, match="does not exist"):
        clip_tokenizer(tmp_path / "none.gz")


def test_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the file and the network the message says what to get and where to put it."""
    monkeypatch.setenv("SEGUE_OFFLINE", "1")
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path))
    monkeypatch.delenv("SEGUE_WEIGHTS", raising=False)
    clip_tokenizer.cache_clear()
    with pytest.raises(DownloadError, match=r"Get bpe_simple_vocab_16e6\.txt\.gz .* SEGUE_WEIGHTS"):
        clip_tokenizer()
