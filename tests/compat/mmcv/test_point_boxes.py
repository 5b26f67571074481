"""Points, boxes and cells in space, worked by hand."""

from __future__ import annotations

import math

import pytest
import torch

from segue.compat.mmcv import point_boxes as ops


def test_points_in_boxes() -> None:
    """Bars of 4 x 1 x 2 on the ground, one along x and one turned by a quarter, along y."""
    boxes = torch.tensor([[[0.0, 0, 0, 4, 1, 2, 0], [0.0, 0, 0, 4, 1, 2, math.pi / 2]]])
    points = torch.tensor([[[1.5, 0, 1], [0, 1.5, 1], [0, 0, 1], [1.5, 0, 2.5], [0, 0, -0.5]]])
    assert ops.points_in_boxes_all(points, boxes).tolist() == [[[1, 0], [0, 1], [1, 1], [0, 0], [0, 0]]]
    assert ops.points_in_boxes_part(points, boxes).tolist() == [[0, 1, 0, -1, -1]]


def test_cells() -> None:
    """Cells of side 1 in a range of 2 x 2 x 1; the third point is outside, the fourth is the third of its cell."""
    points = torch.tensor(
        [[1.5, 0.5, 0.5, 7], [0.2, 0.5, 0.5, 8], [5.0, 0, 0, 9], [1.6, 0.5, 0.5, 1], [1.7, 0.1, 0, 2]]
    )
    size, extent = (1, 1, 1), (0, 0, 0, 2, 2, 1)
    assert ops.voxelization(points, size, extent, -1, -1).tolist() == [[0, 0, 1], [0, 0, 0], [-1] * 3] + [[0, 0, 1]] * 2
    voxels, cells, counts = ops.voxelization(points, size, extent, 2, 10)
    assert cells.tolist() == [[0, 0, 1], [0, 0, 0]] and counts.tolist() == [2, 1]
    assert voxels[:, :, 3].tolist() == [[7, 1], [8, 0]]
    layer = ops.Voxelization(size, extent, 2, (1, 10))
    assert len(layer(points)[1]) == 1 and len(layer.eval()(points)[1]) == 2


def test_scattering() -> None:
    feats = torch.tensor([[1.0], [5.0], [3.0], [9.0]], requires_grad=True)
    cells = torch.tensor([[0, 0, 1], [0, 0, 0], [0, 0, 1], [-1, -1, -1]])
    found, where = ops.dynamic_scatter(feats, cells, "mean")
    assert where.tolist() == [[0, 0, 0], [0, 0, 1]] and found.tolist() == [[5], [2]]
    assert ops.dynamic_scatter(feats, cells, "sum")[0].tolist() == [[5], [4]]
    assert ops.DynamicScatter((1, 1, 1), (0, 0, 0, 2, 2, 2), False)(feats, cells)[0].tolist() == [[5], [3]]
    found.sum().backward()
    assert feats.grad is not None and feats.grad.tolist() == [[0.5], [1], [0.5], [0]]
    with pytest.raises(AssertionError, match="reduce_type='min'"):
        ops.dynamic_scatter(feats, cells, "min")


def test_scatter_nd() -> None:
    out = ops.scatter_nd(torch.tensor([[0, 1], [2, 0]]), torch.tensor([5.0, 7.0]), (3, 2))
    assert out.tolist() == [[0, 5], [0, 0], [7, 0]]


def test_sampling() -> None:
    points = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [10, 0, 0], [4, 0, 0]]])
    assert ops.PointsSampler([3])(points).tolist() == [[0, 2, 3]]
    features = torch.tensor([[[0.0, 100, 0, 0]]])
    assert ops.PointsSampler([2], ["F-FPS"])(points, features).tolist() == [[0, 1]]
    assert ops.PointsSampler([2], ["FS"])(points, features).tolist() == [[0, 1, 0, 2]]
    assert ops.PointsSampler([1, 1], ["D-FPS", "D-FPS"], [2, -1])(points).tolist() == [[0, 2]]
    with pytest.raises(AssertionError, match="'D-FPS', 'F-FPS' or 'FS'"):
        ops.PointsSampler([1], ["X"])


def test_kernels_of_neighbors() -> None:
    """One kernel, two neighbors of which the first is the point itself: score times the difference."""
    scores = torch.tensor([[[[2.0], [3.0]]]])
    features = torch.tensor([[[[1.0]], [[5.0]]]])
    assert ops.assign_score_withk(scores, features, features, torch.tensor([[[0, 1]]])).tolist() == [[[[0, 12]]]]
