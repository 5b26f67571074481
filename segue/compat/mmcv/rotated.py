"""mmcv.ops of turned boxes and quadrilaterals: overlaps, exactly, and suppression, in plain PyTorch.

A turned box is (x, y, width, height, angle), center and radians; a quadrilateral the x and y of its four corners, in
order. All overlaps can be differentiated.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

_TINY = 1e-8


def corners_of(boxes: Tensor) -> Tensor:
    """(..., 5) to (..., 4, 2)."""
    x, y, width, height, angle = boxes.unbind(-1)
    across = torch.stack([width, -width, -width, width], -1) / 2
    along = torch.stack([height, height, -height, -height], -1) / 2
    cos, sin = angle.cos()[..., None], angle.sin()[..., None]
    turned = torch.stack([across * cos - along * sin, across * sin + along * cos], -1)
    return turned + torch.stack([x, y], -1)[..., None, :]


def area_of(corners: Tensor) -> Tensor:
    """(..., N, 2) to the area of the polygon, (...): the shoelace formula."""
    following = corners.roll(-1, dims=-2)
    cross = corners[..., 0] * following[..., 1] - corners[..., 1] * following[..., 0]
    return cross.sum(-1).abs() / 2


def common_area(first: Tensor, second: Tensor) -> Tensor:
    """Convex quadrilaterals (..., 4, 2) to the area of what they share, (...).

    The corners of the common part are corners of one inside the other, and crossings of sides; sorted around their
    middle they are its outline.
    """
    first, second = torch.broadcast_tensors(first, second)
    points = [first, second]
    valid = [_inside(first, second), _inside(second, first)]
    start, step = first[..., :, None, :], (first.roll(-1, -2) - first)[..., :, None, :]
    other, way = second[..., None, :, :], (second.roll(-1, -2) - second)[..., None, :, :]
    cross = step[..., 0] * way[..., 1] - step[..., 1] * way[..., 0]
    parallel = cross.abs() < _TINY
    safe = torch.where(parallel, torch.ones_like(cross), cross)
    between = other - start
    t = (between[..., 0] * way[..., 1] - between[..., 1] * way[..., 0]) / safe
    u = (between[..., 0] * step[..., 1] - between[..., 1] * step[..., 0]) / safe
    met = ~parallel & (t >= 0) & (t <= 1) & (u >= 0) & (u <= 1)
    points.append((start + t[..., None] * step).flatten(-3, -2))
    valid.append(met.flatten(-2))
    corners, known = torch.cat(points, -2), torch.cat(valid, -1)
    count = known.sum(-1, keepdim=True)
    middle = (corners * known[..., None]).sum(-2) / count.clamp(min=1)
    spread = (corners - middle[..., None, :]).detach()
    angle = torch.where(known, torch.atan2(spread[..., 1], spread[..., 0]), torch.full_like(spread[..., 0], 10.0))
    order = angle.argsort(-1)
    outline = corners.gather(-2, order[..., None].expand_as(corners))
    last = torch.arange(known.shape[-1], device=known.device) >= count  # unknown ones are put onto the first
    outline = torch.where(last[..., None], outline[..., :1, :], outline) - middle[..., None, :]
    return torch.where(count[..., 0] > 2, area_of(outline), torch.zeros_like(outline[..., 0, 0]))


def _inside(points: Tensor, polygon: Tensor) -> Tensor:
    """Whether points (..., P, 2) lie in convex polygons (..., 4, 2), or on the rim: (..., P)."""
    side = polygon.roll(-1, -2) - polygon
    to = points[..., :, None, :] - polygon[..., None, :, :]
    cross = side[..., None, :, 0] * to[..., 1] - side[..., None, :, 1] * to[..., 0]
    scale = side.abs().sum((-1, -2), keepdim=True) ** 2 * 1e-7
    return (cross >= -scale).all(-1) | (cross <= scale).all(-1)


def _overlaps(first: Tensor, second: Tensor, mode: str, aligned: bool) -> Tensor:
    if mode not in ("iou", "iof"):
        raise AssertionError(f"mode={mode!r}: 'iou' or 'iof'")
    first, second = (first, second) if aligned else (first[:, None], second[None])
    common = common_area(first, second)
    own, other = area_of(first), area_of(second)
    return common / (own + other - common if mode == "iou" else own).clamp(min=_TINY)


def box_iou_rotated(
    bboxes1: Tensor, bboxes2: Tensor, mode: str = "iou", aligned: bool = False, clockwise: bool = True
) -> Tensor:
    """Overlaps of turned boxes (M, 5) and (N, 5): (M, N), or (M,) where ``aligned``, whatever the sense of angles."""
    return _overlaps(corners_of(bboxes1.float()), corners_of(bboxes2.float()), mode, aligned)


def box_iou_quadri(bboxes1: Tensor, bboxes2: Tensor, mode: str = "iou", aligned: bool = False) -> Tensor:
    """Overlaps of convex quadrilaterals (M, 8) and (N, 8): (M, N), or (M,) where ``aligned``."""
    return _overlaps(bboxes1.float().unflatten(-1, (4, 2)), bboxes2.float().unflatten(-1, (4, 2)), mode, aligned)


def diff_iou_rotated_2d(box1: Tensor, box2: Tensor) -> Tensor:
    """Overlap of each of (B, N, 5) with its partner: (B, N)."""
    return _overlaps(corners_of(box1), corners_of(box2), "iou", True)


def diff_iou_rotated_3d(box3d1: Tensor, box3d2: Tensor) -> Tensor:
    """Overlap of boxes in space (B, N, 7), x, y, z, width, length, height and the angle about z: (B, N)."""
    return _in_space(box3d1, box3d2)


def _in_space(first: Tensor, second: Tensor) -> Tensor:
    flat = [0, 1, 3, 4, 6]
    common = common_area(corners_of(first[..., flat]), corners_of(second[..., flat]))
    top = torch.min(*(box[..., 2] + box[..., 5] / 2 for box in (first, second)))
    low = torch.max(*(box[..., 2] - box[..., 5] / 2 for box in (first, second)))
    shared = common * (top - low).clamp(min=0)
    own, other = (box[..., 3:6].prod(-1) for box in (first, second))
    return shared / (own + other - shared).clamp(min=_TINY)


def boxes_iou3d(boxes_a: Tensor, boxes_b: Tensor) -> Tensor:
    """Overlaps in space of (M, 7) and (N, 7), with centers: (M, N)."""
    return _in_space(*torch.broadcast_tensors(boxes_a[:, None], boxes_b[None]))


def _from_above(boxes: Tensor) -> Tensor:
    """Corners of boxes (N, 7), or (N, 5) as x1, y1, x2, y2, angle."""
    if boxes.shape[-1] == 7:
        return corners_of(boxes[..., [0, 1, 3, 4, 6]])
    x1, y1, x2, y2, angle = boxes.unbind(-1)
    return corners_of(torch.stack([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, angle], -1))


def boxes_overlap_bev(boxes_a: Tensor, boxes_b: Tensor) -> Tensor:
    """Common areas seen from above, (M, N), of boxes (x1, y1, x2, y2, angle), or of those in space (M, 7)."""
    return common_area(_from_above(boxes_a)[:, None], _from_above(boxes_b)[None])


def boxes_iou_bev(boxes_a: Tensor, boxes_b: Tensor) -> Tensor:
    """Overlaps seen from above, (M, N), of boxes (x1, y1, x2, y2, angle), or of those in space (M, 7)."""
    return _overlaps(_from_above(boxes_a), _from_above(boxes_b), "iou", False)


def _best(scores: Tensor, overlaps: Callable[[Tensor, Tensor], Tensor], threshold: float) -> Tensor:
    """Indices by score, without those that a better kept one overlaps by more."""
    order = scores.argsort(descending=True, stable=True)
    kept: list[Tensor] = []
    while len(order):
        kept.append(order[0])
        order = order[1:][overlaps(order[:1], order[1:])[0] <= threshold]
    return torch.stack(kept) if kept else order


def _suppressed(
    dets: Tensor, scores: Tensor, corners: Tensor, iou_threshold: float, labels: Tensor | None
) -> tuple[Tensor, Tensor]:
    def overlaps(best: Tensor, rest: Tensor) -> Tensor:
        found = _overlaps(corners[best], corners[rest], "iou", False)
        return found if labels is None else found * (labels[best][:, None] == labels[rest])

    kept = _best(scores, overlaps, iou_threshold)
    return torch.cat([dets[kept], scores[kept, None]], dim=1), kept


def nms_rotated(
    dets: Tensor, scores: Tensor, iou_threshold: float, labels: Tensor | None = None, clockwise: bool = True
) -> tuple[Tensor, Tensor]:
    """The best turned boxes that do not overlap, of one label: (K, 6) with their scores, and their indices."""
    return _suppressed(dets, scores, corners_of(dets[:, :5].float()), iou_threshold, labels)


def nms_quadri(
    dets: Tensor, scores: Tensor, iou_threshold: float, labels: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The best quadrilaterals that do not overlap, of one label: (K, 9) with their scores, and their indices."""
    return _suppressed(dets, scores, dets[:, :8].float().unflatten(-1, (4, 2)), iou_threshold, labels)


def nms_bev(
    boxes: Tensor, scores: Tensor, thresh: float, pre_max_size: int | None = None, post_max_size: int | None = None
) -> Tensor:
    """Indices of the best boxes (x1, y1, x2, y2, angle) that do not overlap, seen from above."""
    order = scores.argsort(descending=True, stable=True)[:pre_max_size]
    corners = _from_above(boxes)
    kept = _best(scores[order], lambda a, b: _overlaps(corners[order[a]], corners[order[b]], "iou", False), thresh)
    return order[kept][:post_max_size]


def nms_normal_bev(boxes: Tensor, scores: Tensor, thresh: float) -> Tensor:
    """`nms_bev` that takes no notice of the angles."""
    return nms_bev(torch.cat([boxes[:, :-1], torch.zeros_like(boxes[:, -1:])], 1), scores, thresh)


def nms3d(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Indices of the best boxes in space (N, 7) that do not overlap, seen from above."""
    return nms_bev(boxes, scores, iou_threshold)


def nms3d_normal(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """`nms3d` that takes no notice of the angles."""
    return nms_normal_bev(boxes, scores, iou_threshold)


def points_in_polygons(points: Tensor, polygons: Tensor) -> Tensor:
    """Which points (P, 2) lie in which convex quadrilaterals (N, 8): 1 or 0, (P, N) float."""
    return _inside(points[None].expand(len(polygons), -1, -1), polygons.unflatten(-1, (4, 2))).T.to(points)
