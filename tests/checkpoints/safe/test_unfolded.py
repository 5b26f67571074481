"""Bombs by shared references: small files whose contents unfold to gigabytes where somebody prints or writes them.

Each is read and then used in every way that the command line has; what that takes stays within the promise.
"""

from __future__ import annotations

import json
import struct
import tracemalloc
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from segue.checkpoints import load_weights, read
from segue.checkpoints.convert import convert
from segue.checkpoints.notes import MAX_NOTES, fitting_notes, plain
from segue.errors import CheckpointError
from segue.inference.verify import verify
from segue.recipes.open import read_config

TEXT = "x" * (1 << 20)
WIDE = torch.ones(1).expand(1 << 20)
GOOD = {"w": torch.ones(4)}


def repeated(value: Any, times: int) -> list[Any]:
    return [value] * times


BOMBS: dict[str, Any] = {
    "text as classes": {"meta": {"CLASSES": repeated(TEXT, 100_000)}, "state_dict": GOOD},
    "text in meta": {"meta": {"x": repeated(TEXT, 10_000)}, "state_dict": GOOD},
    "text as keys": {"meta": {"x": [{TEXT: i} for i in range(3000)]}, "state_dict": GOOD},
    "bytes in meta": {"meta": {"x": repeated(TEXT.encode(), 10_000)}, "state_dict": GOOD},
    "an array in meta": {"meta": {"x": repeated(np.zeros(1 << 18), 3000)}, "state_dict": GOOD},
    "an expanded tensor in meta": {"meta": {"x": repeated(WIDE, 50_000)}, "state_dict": GOOD},
    "an expanded tensor as weights": {"state_dict": {f"w{i}": WIDE for i in range(20_000)}},
    "one tensor as many weights": {"state_dict": dict.fromkeys([f"w{i}" for i in range(500)], torch.ones(1 << 18))},
}


@pytest.mark.parametrize("name", BOMBS)
def test_refused_where_it_is_read(name: str, tmp_path: Path) -> None:
    path = tmp_path / "bomb.pth"
    torch.save(BOMBS[name], path)
    size = path.stat().st_size
    tracemalloc.start()
    with pytest.raises(CheckpointError, match=r"repeats its \w+ until they are many times larger"):
        read(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < (16 << 20) + 2 * size


def test_what_passes_stays_small_when_it_is_used(tmp_path: Path) -> None:
    """Just below the limits: notes that are too large to be written are left out, and said."""
    path = tmp_path / "large.pth"
    torch.save({"meta": {"x": repeated(WIDE, 10), "CLASSES": ["a", "b"]}, "state_dict": GOOD}, path)
    done = convert(path, tmp_path / "out.safetensors", name="segue")
    assert done.left_out == ("x",) and "Left out, as too large for notes: x." in str(done)
    assert read(tmp_path / "out.safetensors").classes == ("a", "b")
    assert (tmp_path / "out.safetensors").stat().st_size < 2000
    assert verify(path, read_config=read_config).good


def test_notes_are_weighed_as_they_are_written() -> None:
    shared = ["y" * 1000] * 100
    notes = {"config": "z" * 10_000, "deep": [shared] * 100, "array": np.zeros(MAX_NOTES), "n": 1 << (40 * MAX_NOTES)}
    kept, left_out = fitting_notes(notes)
    assert list(kept) == ["config"] and left_out == ("deep", "array", "n")
    honest = {"classes": [f"class {i}" for i in range(1000)], "palette": np.zeros((1000, 3), int), "epoch": 3}
    assert fitting_notes(honest) == (honest, ())
    assert len(json.dumps(plain(honest))) < MAX_NOTES


@pytest.mark.parametrize("entry", [{"version": "x"}, {"version": [1]}, "x", 5])
def test_versions_of_modules(entry: Any, tmp_path: Path) -> None:
    state = OrderedDict(GOOD)
    state._metadata = OrderedDict({"backbone.bn": entry})  # type: ignore[attr-defined]
    torch.save({"state_dict": state}, tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match=r"the version of its module 'backbone\.bn' is no whole number"):
        read(tmp_path / "w.pth")
    state._metadata = OrderedDict({"": {"version": 2, "own": "x"}, "bn": {}})  # type: ignore[attr-defined]
    torch.save({"state_dict": state}, tmp_path / "w.pth")
    model = nn.Module()
    model.w = nn.Parameter(torch.zeros(4))
    assert load_weights(model, tmp_path / "w.pth").complete


def safetensors(path: Path, dtype: str, shape: list[int], data: bytes) -> Path:
    header = json.dumps({"w": {"dtype": dtype, "shape": shape, "data_offsets": [0, len(data)]}}).encode()
    header += b" " * (-len(header) % 8)
    path.write_bytes(struct.pack("<Q", len(header)) + header + data)
    return path


@pytest.mark.parametrize(
    ("dtype", "shape", "data", "message"),
    [
        ("F32", [1] * 1000, bytes(4), "its tensor 'w' has 1000 dimensions"),
        ("F4", [4], bytes(2), r"holds float4_e2m1fn_x2 values \('w'\)|is damaged"),
        ("F8_E8M0", [4], bytes(4), r"holds float8_e8m0fnu values \('w'\)|is damaged"),
        ("BOOL", [4], b"\2\1\0\1", "a boolean tensor holds other values"),
    ],
)
def test_what_safetensors_lets_through(dtype: str, shape: list[int], data: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=message):
        read(safetensors(tmp_path / "w.safetensors", dtype, shape, data))


def test_eight_bit_floats_are_checked_too(tmp_path: Path) -> None:
    path = safetensors(tmp_path / "w.safetensors", "F8_E4M3", [4], b"\x7f\0\0\0")  # a NaN
    found = {check.what: check.found for check in verify(path, read_config=read_config).checks}
    assert found["values"] == "w has 1 values that are not finite"
