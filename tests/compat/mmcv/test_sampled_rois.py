"""Regions. Oracles: `roi_align` (tested by itself) where nothing is turned or moved, linear maps, and gradcheck."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from segue.compat.mmcv import sampled_rois as ops
from segue.compat.mmcv.rois import roi_align


@pytest.fixture
def maps() -> torch.Tensor:
    torch.manual_seed(0)
    return torch.randn(2, 3, 9, 11)


ROIS = torch.tensor([[0, 1.0, 2.0, 7.0, 6.0], [1, 3.2, 1.5, 9.0, 8.0]])


def turned(angle: float) -> torch.Tensor:
    x1, y1, x2, y2 = ROIS[:, 1:].unbind(1)
    parts = [ROIS[:, 0], (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, torch.full((2,), angle)]
    return torch.stack(parts, 1)


@pytest.mark.parametrize("aligned", [True, False])
def test_without_a_turn(maps: torch.Tensor, aligned: bool) -> None:
    found = ops.roi_align_rotated(maps, turned(0), (2, 3), 1.0, 2, aligned)
    torch.testing.assert_close(found, roi_align(maps, ROIS, (2, 3), 1.0, 2, "avg", aligned))
    layer = ops.RoIAlignRotated((2, 3), 1.0, 2, aligned)
    torch.testing.assert_close(layer(maps, turned(0)), found)


def test_a_quarter_turn() -> None:
    """The side of a region that faces right faces up after a quarter counterclockwise: the reading is turned back."""
    maps = torch.randn(1, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    square = torch.tensor([[0, 4.0, 4.0, 4.0, 4.0, 0.0]])
    quarter = square + torch.tensor([0, 0, 0, 0, 0, math.pi / 2])
    plain = ops.roi_align_rotated(maps, square, 2, 1.0, 2)
    found = ops.roi_align_rotated(maps, quarter, 2, 1.0, 2)
    back = ops.roi_align_rotated(maps, quarter, 2, 1.0, 2, clockwise=True)
    torch.testing.assert_close(found, plain.rot90(-1, (2, 3)))
    torch.testing.assert_close(back, plain.rot90(1, (2, 3)))


def test_integrals() -> None:
    """The mean of a plane over a bin is its value in the middle; a region that is half outside has half of it."""
    y, x = torch.meshgrid(torch.arange(9.0), torch.arange(9.0), indexing="ij")
    plane = (3 * x + y)[None, None].double()
    roi = torch.tensor([[0, 1.3, 2.0, 5.3, 6.0]], dtype=torch.double)
    found = ops.PrRoIPool(2)(plane, roi)
    torch.testing.assert_close(found[0, 0], torch.tensor([[9.9, 15.9], [11.9, 17.9]], dtype=torch.double))
    ones = torch.ones(1, 1, 9, 9, dtype=torch.double)
    half = torch.tensor([[0, -5.5, 0.0, 4.5, 8.0]], dtype=torch.double)  # half of the hat of pixel 0 is outside, too
    assert ops.prroi_pool(ones, half, 1).item() == pytest.approx((4.5 + 0.5) / 10)
    features = torch.randn(1, 1, 5, 5, dtype=torch.double, requires_grad=True)
    where = torch.tensor([[0, 0.3, 0.4, 3.1, 3.7]], dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(lambda f, r: ops.prroi_pool(f, r, 2), (features, where))


def test_borders() -> None:
    """Each side of a box from (1, 1) to (3, 2) has a map of its own, in which one place of the side is 1."""
    maps = torch.zeros(1, 4, 5, 5)
    for side, (y, x) in enumerate([(1, 2), (2, 1), (2, 3), (1, 3)]):
        maps[0, side, y, x] = side + 1
    boxes = torch.tensor([[[1.0, 1, 3, 2], [0.0, 0, 0, 0]]])
    assert ops.BorderAlign(2)(maps, boxes).tolist() == [[[[1, 2, 3, 4], [0, 0, 0, 0]]]]
    with pytest.raises(AssertionError, match="5 channels"):
        ops.border_align(torch.zeros(1, 5, 2, 2), boxes, 1)


def test_moved_bins(maps: torch.Tensor) -> None:
    """Without offsets `roi_align`; an offset of 1 with gamma = 1/6 moves a bin of a region 6 wide by a pixel."""
    found = ops.DeformRoIPool((2, 3), sampling_ratio=2)(maps, ROIS)
    torch.testing.assert_close(found, roi_align(maps, ROIS, (2, 3), 1.0, 2))
    offset = torch.zeros(1, 2, 2, 3)
    offset[:, 0] = 1
    right = ROIS[:1] + torch.tensor([0, 1.0, 0, 1, 0])
    moved = ops.deform_roi_pool(maps, ROIS[:1], offset, (2, 3), sampling_ratio=2, gamma=1 / 6)
    torch.testing.assert_close(moved, roi_align(maps, right, (2, 3), 1.0, 2))


@pytest.mark.parametrize(("cls", "factor"), [(ops.DeformRoIPoolPack, 1.0), (ops.ModulatedDeformRoIPoolPack, 0.5)])
def test_packs_begin_without_offsets(maps: torch.Tensor, cls: Any, factor: float) -> None:
    layer = cls((2, 2), 3, 8, sampling_ratio=1)
    torch.testing.assert_close(layer(maps, ROIS), factor * roi_align(maps, ROIS, (2, 2), 1.0, 1))
    layer(maps, ROIS).sum().backward()
    assert all(p.grad is not None for p in layer.parameters())
