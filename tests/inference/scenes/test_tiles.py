"""Where tiles lie. Oracle: every pixel is in one cell, whose tiles are those that reach it, by brute force."""

from __future__ import annotations

import numpy as np
import pytest

from segue.inference.scenes.tiles import Axis

CASES = [(500, 128, 32, 2), (129, 128, 0, 1), (128, 128, 64, 3), (90, 128, 16, 1), (1000, 64, 32, 4), (257, 128, 0, 2)]


@pytest.mark.parametrize(("length", "tile", "overlap", "strides"), CASES)
def test_every_pixel_has_its_tiles(length: int, tile: int, overlap: int, strides: int) -> None:
    axis = Axis(length, tile, overlap, "mean", strides)
    reach = [
        tuple(i for i, start in enumerate(axis.starts) if start <= pixel < start + axis.size) for pixel in range(length)
    ]
    found = [cell.tiles for block in axis.blocks for cell in block for _ in range(cell.low, cell.high)]
    assert found == reach
    assert axis.starts[0] == 0 and axis.starts[-1] + axis.size == length


@pytest.mark.parametrize(("length", "tile", "overlap", "strides"), CASES)
def test_the_nearest_middle_decides(length: int, tile: int, overlap: int, strides: int) -> None:
    axis = Axis(length, tile, overlap, "centre", strides)
    found = [cell.tiles for block in axis.blocks for cell in block for _ in range(cell.low, cell.high)]
    assert len(found) == length and all(len(tiles) == 1 for tiles in found)
    middles = np.array(axis.starts) + axis.size / 2
    for pixel, (tile_index,) in enumerate(found):
        distances = np.abs(pixel + 0.5 - middles)
        assert distances[tile_index] <= distances.min() + 1
        start = axis.starts[tile_index]
        assert start == 0 or pixel - start >= overlap // 2
        assert start + axis.size == length or start + axis.size - pixel - 1 >= overlap // 2 - 1


def test_blocks_begin_with_tiles() -> None:
    axis = Axis(10_000, 1024, 128, "gaussian", 4)
    firsts = [block[0].low for block in axis.blocks]
    assert firsts == [0, 3584, 7168]
    assert [len({tile for cell in block for tile in cell.tiles}) for block in axis.blocks] == [4, 5, 5]
    centre = Axis(10_000, 1024, 128, "centre", 4)
    assert [len({tile for cell in block for tile in cell.tiles}) for block in centre.blocks] == [4, 4, 4]


def test_weights_are_of_the_middle() -> None:
    weight = Axis(500, 100, 20, "gaussian", 1).weight()
    assert weight.min() > 0 and weight.argmax() in (49, 50) and weight[0] == pytest.approx(3.6e-4, rel=0.1)
    assert (Axis(500, 100, 20, "mean", 1).weight() == 1).all()
