"""Parts of tiles, and their mean. Oracle: all of the logits, resized by torch."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from segue.inference.logits import Cropped, Held, Resized, Windows
from segue.inference.scenes.blend import Blended, cut, held_bytes

COARSE = torch.randn(5, 12, 16, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("scale", [1, 4, 8, 2.5])
@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("columns", [(0, 9), (3, 8), (7, 16), (5, 16), (0, 16), (9, 10)])
def test_a_part_is_that_of_the_whole(scale: float, align_corners: bool, columns: tuple[int, int]) -> None:
    size = (int(12 * scale), int(16 * scale))
    whole = F.interpolate(COARSE[None], size=size, mode="bilinear", align_corners=align_corners)[0]
    low, high = int(columns[0] * scale), int(columns[1] * scale) - (1 if scale > 1 else 0)
    found = cut(Resized(Held(COARSE), size, align_corners), (3, 9), (low, high)).whole()
    torch.testing.assert_close(found, whole[:, 3:9, low:high], atol=2e-6, rtol=0)


def test_a_weighted_mean() -> None:
    parts = [torch.randn(2, 3, 4), torch.randn(2, 3, 4)]
    down, across = [torch.rand(3), torch.rand(3)], [torch.rand(4), torch.rand(4)]
    blended = Blended([(Held(part), down[i], across[i]) for i, part in enumerate(parts)])
    weights = [torch.outer(down[i], across[i]) for i in (0, 1)]
    expected = (parts[0] * weights[0] + parts[1] * weights[1]) / (weights[0] + weights[1])
    torch.testing.assert_close(blended.rows(1, 3), expected[:, 1:3])
    assert (blended.size, blended.classes) == ((3, 4), 2)


def test_what_is_in_memory() -> None:
    held = Held(COARSE)
    tile = Cropped(Resized(held, (96, 128), False), (1, 0, 0, 0))
    assert held_bytes(tile) == 5 * 12 * 16 * 4
    assert held_bytes(Windows([(0, 0, tile), (0, 10, tile)], (96, 138))) == 2 * 5 * 12 * 16 * 4
