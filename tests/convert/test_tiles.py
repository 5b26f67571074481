"""Where tiles lie."""

from __future__ import annotations

import numpy as np
import pytest

from segue.convert.tiles import Tiling


@pytest.mark.parametrize(
    ("size", "tile", "overlap", "tops", "lefts"),
    [
        ((8, 8), (4, 4), 0, [0, 4], [0, 4]),
        ((9, 8), (4, 4), 0, [0, 4, 5], [0, 4]),
        ((8, 12), (4, 6), 2, [0, 2, 4], [0, 4, 6]),
        ((3, 4), (4, 4), 0, [0], [0]),
        ((4, 5), (4, 4), 3, [0], [0, 1]),
    ],
)
def test_windows(size: tuple[int, int], tile: tuple[int, int], overlap: int, tops: list[int], lefts: list[int]) -> None:
    """Worked out by hand: a step of tile - overlap, and a last window that ends at the edge."""
    assert list(Tiling(tile, overlap).windows(size)) == [(top, left) for top in tops for left in lefts]


def test_tiles_of_potsdam_are_as_many_as_published() -> None:
    """3456 for training from 24 images of 6000 x 6000: 144 each."""
    assert len(list(Tiling((512, 512)).windows((6000, 6000)))) == 3456 // 24


def test_cut_covers_every_pixel_and_names_corners() -> None:
    array = np.arange(7 * 10).reshape(7, 10)
    seen = np.zeros_like(array)
    for corners, part in Tiling((4, 6), 1).cut(array):
        x0, y0, x1, y1 = map(int, corners.split("_"))
        np.testing.assert_array_equal(part, array[y0:y1, x0:x1])
        assert part.shape == (4, 6)
        seen[y0:y1, x0:x1] += 1
    assert seen.min() == 1
    assert [corners for corners, _ in Tiling((9, 9)).cut(array)] == ["0_0_9_7", "1_0_10_7"]
