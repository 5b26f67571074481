"""Text to tokens as CLIP's text encoder was trained on (byte pair encoding: Sennrich et al. 2016, arXiv:1508.07909).

The 48894 merges are a file of OpenAI's CLIP (MIT license), which is downloaded once and checked by its hash.

Deviations: broken encodings ("mojibake") in class names are not mended; superscripts and fractions count as letters.
"""

from __future__ import annotations

import functools
import gzip
import html
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor

from segue.checkpoints.downloads.fetch import fetch
from segue.errors import InputError

VOCABULARY = "https://raw.githubusercontent.com/openai/CLIP/main/clip/bpe_simple_vocab_16e6.txt.gz"
MERGES = 49152 - 256 - 2
#: contractions, words, single digits, runs of anything else
WORD = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[^\W\d_]+|\d|(?:[^\s\w]|_)+")


class CLIPTokenizer:
    """Byte pair encoding with CLIP's vocabulary.

    Args:
        merges: pairs of symbols, the most frequent first. Tokens are the 256 bytes, these at the end of a word, the
            merged pairs, and the two that start and end a text.
    """

    def __init__(self, merges: Sequence[tuple[str, str]]) -> None:
        self.letters = byte_letters()
        symbols = sorted(self.letters.values())
        vocabulary = [*symbols, *(f"{s}</w>" for s in symbols), *("".join(pair) for pair in merges)]
        self.ids = {symbol: i for i, symbol in enumerate(vocabulary)}
        self.ranks = {pair: i for i, pair in enumerate(merges)}
        self.start, self.end = len(vocabulary), len(vocabulary) + 1

    def __call__(self, texts: Sequence[str], length: int = 77) -> Tensor:
        """Texts to int64 (len(texts), length): start, tokens, end, zeros; long texts are cut, the end stays."""
        result = torch.zeros(len(texts), length, dtype=torch.int64)
        for row, text in zip(result, texts, strict=True):
            tokens = [self.start, *self.encode(text)[: length - 2], self.end]
            row[: len(tokens)] = torch.tensor(tokens)
        return result

    def encode(self, text: str) -> list[int]:
        """Tokens of a text, without start and end."""
        text = " ".join(html.unescape(html.unescape(text)).split()).lower()
        return [self.ids[symbol] for word in WORD.findall(text) for symbol in self.split(word)]

    def split(self, word: str) -> list[str]:
        """A word as symbols: its bytes, joined pair by pair, the most frequent pair first."""
        symbols = [self.letters[byte] for byte in word.encode()]
        symbols[-1] += "</w>"
        while len(symbols) > 1:
            pairs = list(pairwise(symbols))
            best = min(pairs, key=lambda pair: self.ranks.get(pair, len(self.ranks)))
            if best not in self.ranks:
                break
            joined: list[str] = []
            i = 0
            while i < len(symbols):
                take = 2 if i < len(pairs) and pairs[i] == best else 1
                joined.append("".join(symbols[i : i + take]))
                i += take
            symbols = joined
        return symbols


def byte_letters() -> dict[int, str]:
    """A visible letter for each byte: Latin-1 where that has one, else the letters from U+0100 on, in turn."""
    visible = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    hidden = [byte for byte in range(256) if byte not in visible]
    return {byte: chr(byte) for byte in visible} | {byte: chr(256 + i) for i, byte in enumerate(hidden)}


@functools.cache
def clip_tokenizer(path: str | Path | None = None) -> CLIPTokenizer:
    """The tokenizer with the vocabulary in a file (gzipped, as published), or with the published one.

    Raises:
        DownloadError: there is no file yet and no network; the message says where to put it.
        InputError: the file is not such a vocabulary.
    """
    found = fetch(path or VOCABULARY)
    try:
        lines = gzip.decompress(found.read_bytes()).decode("utf-8").split("\n")[1 : MERGES + 1]
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"{found}: not a gzipped text: {error}; CLIP's vocabulary is {VOCABULARY}") from error
    merges = [tuple(line.split()) for line in lines]
    if len(merges) != MERGES or any(len(pair) != 2 for pair in merges):
        raise InputError(
            f"{found}: expected {MERGES} pairs of symbols, one per line; CLIP's vocabulary is {VOCABULARY}"
        )
    return CLIPTokenizer(merges)  # type: ignore[arg-type]
