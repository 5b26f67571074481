"""Turned boxes. Oracles: areas worked by hand, OpenCV's rotatedRectangleIntersection, and gradcheck."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
import torch

from segue.compat.mmcv import rotated as ops

SQUARE = [0.0, 0.0, 2.0, 2.0, 0.0]


def test_by_hand() -> None:
    """A square turned by 45 degrees shares a regular octagon with itself: 8 (sqrt 2 - 1) of 4."""
    octagon = 8 * (math.sqrt(2) - 1)
    boxes = torch.tensor(
        [SQUARE, [1.0, 0.0, 2.0, 2.0, 0.0], [0.0, 0.0, 2.0, 2.0, math.pi / 4], [9.0, 9.0, 2.0, 2.0, 1.0]]
    )
    found = ops.box_iou_rotated(boxes[:1], boxes)[0]
    assert found.tolist() == pytest.approx([1, 1 / 3, octagon / (8 - octagon), 0], abs=1e-5)
    over_first = ops.box_iou_rotated(boxes[1:2], boxes[:1], mode="iof")
    assert over_first.tolist() == [[pytest.approx(0.5)]]
    assert ops.box_iou_rotated(boxes, boxes, aligned=True).tolist() == pytest.approx([1] * 4, abs=1e-5)


def test_against_opencv() -> None:
    rng = np.random.default_rng(0)
    boxes = np.concatenate([rng.uniform(0, 4, (60, 2)), rng.uniform(1, 5, (60, 2)), rng.uniform(-3, 3, (60, 1))], 1)
    first, second = boxes[:30], boxes[30:]
    found = ops.box_iou_rotated(torch.from_numpy(first), torch.from_numpy(second), aligned=True)
    for box, other, value in zip(first, second, found.tolist(), strict=True):
        rects = [((b[0], b[1]), (b[2], b[3]), math.degrees(b[4])) for b in (box, other)]
        _, points = cv2.rotatedRectangleIntersection(*rects)
        common = 0.0 if points is None else cv2.contourArea(cv2.convexHull(points))
        union = box[2] * box[3] + other[2] * other[3] - common
        assert value == pytest.approx(common / union, abs=2e-4)


def test_quadrilaterals_are_boxes_in_corners() -> None:
    boxes = torch.tensor([SQUARE, [0.5, 0.5, 3.0, 1.0, 0.7]])
    quads = ops.corners_of(boxes).flatten(1)
    torch.testing.assert_close(ops.box_iou_quadri(quads, quads), ops.box_iou_rotated(boxes, boxes))
    backwards = ops.corners_of(boxes).flip(1).flatten(1)
    torch.testing.assert_close(ops.box_iou_quadri(backwards, quads), ops.box_iou_rotated(boxes, boxes))


def test_gradients() -> None:
    first = torch.tensor([[[0.1, 0.2, 2.0, 1.5, 0.3]]], dtype=torch.double, requires_grad=True)
    second = torch.tensor([[[0.4, -0.1, 1.8, 1.2, -0.5]]], dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(ops.diff_iou_rotated_2d, (first, second))


def test_in_space() -> None:
    """Two unit-footprint boxes that share half their height: 1 of 3 halves."""
    low = torch.tensor([[0.0, 0.0, 0.0, 1.0, 1.0, 2.0, 0.0]])
    high = torch.tensor([[0.0, 0.0, 1.0, 1.0, 1.0, 2.0, math.pi / 2]])
    assert ops.boxes_iou3d(low, high).item() == pytest.approx(1 / 3, abs=1e-5)
    assert ops.diff_iou_rotated_3d(low[None], high[None]).item() == pytest.approx(1 / 3, abs=1e-5)
    assert ops.boxes_iou_bev(low, high).item() == pytest.approx(1, abs=1e-5)
    flat = torch.tensor([[0.0, 0.0, 2.0, 2.0, 0.0], [1.0, 0.0, 3.0, 2.0, 0.0]])
    assert ops.boxes_overlap_bev(flat, flat).flatten().tolist() == pytest.approx([4, 2, 2, 4])


def test_suppression() -> None:
    """The second overlaps the first by 1/3; the third is the first, turned by a quarter."""
    boxes = torch.tensor([SQUARE, [1.0, 0.0, 2.0, 2.0, 0.0], [0.0, 0.0, 2.0, 2.0, math.pi / 2]])
    scores = torch.tensor([0.5, 0.9, 0.7])
    found, kept = ops.nms_rotated(boxes, scores, 0.3)
    assert kept.tolist() == [1] and found[0, 5] == 0.9
    assert ops.nms_rotated(boxes, scores, 0.5)[1].tolist() == [1, 2]
    labels = torch.tensor([0, 1, 2])
    assert ops.nms_rotated(boxes, scores, 0.3, labels)[1].tolist() == [1, 2, 0]
    quads = ops.corners_of(boxes).flatten(1)
    assert ops.nms_quadri(quads, scores, 0.5)[1].tolist() == [1, 2]
    flat = torch.tensor([[-1.0, -1, 1, 1, 0], [0.0, -1, 2, 1, 0], [-1.0, -1, 1, 1, math.pi / 4]])
    assert ops.nms_bev(flat, scores, 0.9).tolist() == [1, 2, 0]
    assert ops.nms_bev(flat, scores, 0.9, pre_max_size=2, post_max_size=1).tolist() == [1]
    assert ops.nms_normal_bev(flat, scores, 0.9).tolist() == [1, 2]
    space = torch.tensor([[0.0, 0, 0, 2, 2, 1, 0], [1.0, 0, 0, 2, 2, 1, 0], [0.0, 0, 0, 2, 2, 1, 0.8]])
    assert ops.nms3d(space, scores, 0.9).tolist() == [1, 2, 0] and ops.nms3d_normal(space, scores, 0.9).tolist() == [
        1,
        2,
    ]


def test_points_in_polygons() -> None:
    diamond = torch.tensor([[0.0, 1, 1, 0, 0, -1, -1, 0]])
    points = torch.tensor([[0.0, 0.0], [0.6, 0.6], [0.4, 0.4]])
    assert ops.points_in_polygons(points, diamond).tolist() == [[1], [0], [1]]
