"""Pixels by pair of values. Oracle: a loop over the pixels, and sums of known pictures."""

from __future__ import annotations

from collections import Counter

import cv2
import numpy as np
import pytest

from segue.masks import pairs
from segue.masks.pairs import count_pairs


@pytest.mark.parametrize("kinds", [(np.uint8, np.uint8), (np.int64, np.uint8), (np.int32, np.uint16)])
def test_as_a_loop_counts(kinds):
    rng = np.random.default_rng(0)
    first, second = (rng.integers(0, 256, (37, 41)).astype(kind) for kind in kinds)
    expected = Counter(zip(first.ravel().tolist(), second.ravel().tolist(), strict=True))
    found = count_pairs(first, second)
    assert found is not None and found.dtype == np.int64
    assert {(int(i), int(j)): int(found[i, j]) for i, j in np.argwhere(found)} == expected


def test_more_pixels_than_float32_can_count():
    """2^24 + 2048 equal pixels: float32 would stop at 2^24."""
    values = np.full((8193, 2048), 7, np.uint8)
    found = count_pairs(values, values)
    assert found is not None and found[7, 7] == 8193 * 2048 == found.sum()


@pytest.mark.parametrize("value", [-1, 256, 1000, 1 << 40])
@pytest.mark.parametrize("side", [0, 1])
def test_values_beyond_a_byte_are_not_wrapped(value, side):
    maps = [np.zeros((4, 4), np.int64), np.zeros((4, 4), np.int64)]
    maps[side][3, 3] = value
    assert count_pairs(*maps) is None


def test_slices_and_nothing():
    values = np.arange(64, dtype=np.int64).reshape(8, 8)
    found = count_pairs(values[::2, ::2], values[::2, ::2])
    assert found is not None and found.trace() == 16 == found.sum()
    nothing = count_pairs(values[:0], values[:0])
    assert nothing is not None and nothing.sum() == 0


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_large_maps_are_shared_by_threads(dtype: type, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are divided, whatever is left over, and a value out of range is seen in any share."""
    monkeypatch.setattr(pairs, "_SHARE", 16)
    monkeypatch.setattr(cv2, "getNumThreads", lambda: 3)
    rng = np.random.default_rng(0)
    first, second = (rng.integers(0, 256, (11, 7)).astype(dtype) for _ in range(2))
    expected = np.zeros((256, 256), np.int64)
    np.add.at(expected, (first.astype(np.int64), second.astype(np.int64)), 1)
    found = pairs.count_pairs(first, second)
    assert found is not None and np.array_equal(found, expected)
    if dtype is np.int64:
        second[10, 3] = 256
        assert pairs.count_pairs(first, second) is None
