"""Hostile pickles: each is refused with one sentence, soon, in bounded memory, and none runs anything.

The oracle is the format itself (CPython's pickletools): every opcode that can import or call is tried with a payload
that would create a canary file if anything executed it.
"""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from segue.checkpoints import read
from segue.errors import CheckpointError

from .files import bare, text, weights, zipped
from .payloads import CANARY, Payload


def test_endless_small_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opcodes that do nothing end at the limit, which is lowered here to save time."""
    monkeypatch.setattr("segue.checkpoints.safe.pickles.MAX_OPCODES", 100_000)
    with pytest.raises(CheckpointError, match="has more parts than any checkpoint needs"):
        read(bare(tmp_path / "long.pth", b"\x80\x02" + b"N0" * 60_000 + b"."))


def test_refusal_names_the_global(tmp_path: Path) -> None:
    path = zipped(tmp_path / "bad.pth", pickle.dumps(Payload(CANARY), 2))
    with pytest.raises(CheckpointError, match=r"bad\.pth names posix\.system, which has no place in a checkpoint"):
        read(path)


def test_every_cut_of_a_good_file_is_refused(tmp_path: Path) -> None:
    """A pickle that ends early at any byte is damaged, never half read."""
    data = pickle.dumps({"meta": {"epoch": 3, "classes": ("a", "b")}, "lr": 0.1}, 2)
    for length in range(1, len(data)):
        with pytest.raises(CheckpointError):
            read(bare(tmp_path / "cut.pth", data[:length]))


def test_every_flipped_byte_is_read_or_refused(tmp_path: Path) -> None:
    """Random damage ends in a CheckpointError or in a readable file, never in another exception."""
    data = weights(
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tC\x01btR(K\x01(K\x02tcnumpy\ndtype\n("
        + text("f4") + b"\x89\x88tR(K\x03" + text("<") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89C\x08"
        + b"\0" * 8 + b"tb"
    )  # fmt: skip
    assert read(bare(tmp_path / "good.pth", data)).state_dict["w"].tolist() == [0, 0]
    for position in range(len(data)):
        for value in (0, 0x29, 0x52, 0x7F, 0xFF):
            changed = data[:position] + bytes([value]) + data[position + 1 :]
            try:
                read(bare(tmp_path / "flipped.pth", changed))
            except CheckpointError:
                continue


@pytest.mark.parametrize("protocol", range(6))
def test_plain_data_survives_every_protocol(protocol: int, tmp_path: Path) -> None:
    """Oracle: Python's own pickle module wrote it, and the values are known."""
    import numpy as np
    import torch

    notes = {
        "none": None, "yes": True, "no": False, "int": -5, "big": 2**70, "float": 1.5, "text": "Straße 街\n",
        "bytes": b"\0\xff",
        "list": [1, [2, 3]], "tuple": (1, 2, 3, 4), "set": {1, 2}, "frozen": frozenset({"a"}), "complex": 1j,
        "long": "x" * 70_000,
        "scalar": np.float64(2.5), "array": np.arange(6, dtype=np.int16).reshape(2, 3),
        "flags": np.array([True, False]),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)), "path": Path("a/b.py"), "slice": slice(1, 2),
        "bytearray": bytearray(b"xy"), "swapped": np.arange(3, dtype=">i4"), "name": np.str_("abc"),
    }  # fmt: skip
    data = pickle.dumps({"meta": notes, "state_dict": {"w": np.ones(2, np.float32)}}, protocol)
    checkpoint = read(bare(tmp_path / "plain.pkl", data))
    assert checkpoint.state_dict["w"].equal(torch.ones(2))
    for key, value in notes.items():
        found = checkpoint.meta[key]
        if isinstance(value, np.ndarray):
            assert np.array_equal(found, value) and found.dtype.name == value.dtype.name, key
        else:
            assert found == (str(value) if isinstance(value, Path) else value), key
