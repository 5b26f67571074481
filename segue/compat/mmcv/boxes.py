"""mmcv.ops of boxes (x1, y1, x2, y2): overlaps and suppression, in plain PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor


def bbox_overlaps(
    bboxes1: Tensor, bboxes2: Tensor, mode: str = "iou", aligned: bool = False, offset: int = 0
) -> Tensor:
    """Intersection over union (or over the first, ``iof``): (M, 4) and (N, 4) to (M, N), or (M,) where ``aligned``."""
    if mode not in ("iou", "iof"):
        raise AssertionError(f"mode={mode!r}: 'iou' or 'iof'")
    first, second = (bboxes1, bboxes2) if aligned else (bboxes1[:, None], bboxes2[None])
    sides = torch.min(first[..., 2:], second[..., 2:]) - torch.max(first[..., :2], second[..., :2]) + offset
    common = sides.clamp(min=0).prod(-1)
    own, other = ((b[..., 2:] - b[..., :2] + offset).prod(-1) for b in (first, second))
    base = own + other - common if mode == "iou" else own.expand_as(common)
    return common / base.clamp(min=max(offset, 1e-12))


def _kept(boxes: Tensor, order: Tensor, threshold: float, offset: int) -> Tensor:
    """Indices of boxes in ``order`` that no better kept one overlaps by more than ``threshold``."""
    overlaps = bbox_overlaps(boxes[order], boxes[order], offset=offset) > threshold
    alive = torch.ones(len(order), dtype=torch.bool, device=boxes.device)
    for place in range(len(order)):
        if alive[place]:
            later = overlaps[place].clone()
            later[: place + 1] = False
            alive &= ~later
    return order[alive]


def nms(
    boxes: Any, scores: Any, iou_threshold: float, offset: int = 0, score_threshold: float = 0, max_num: int = -1
) -> tuple[Any, Any]:
    """The best boxes that do not overlap: (K, 5) with their scores, and their indices (K,); arrays give arrays."""
    if offset not in (0, 1):
        raise AssertionError(f"offset={offset}: 0 or 1")
    arrays = isinstance(boxes, np.ndarray)
    box, score = (torch.from_numpy(boxes), torch.from_numpy(scores)) if arrays else (boxes, scores)
    order = score.argsort(descending=True, stable=True)
    if score_threshold > 0:
        order = order[score[order] > score_threshold]
    kept = _kept(box, order, iou_threshold, offset)
    kept = kept[:max_num] if max_num > 0 else kept
    out = torch.cat([box[kept], score[kept, None]], dim=1)
    return (out.numpy(), kept.numpy()) if arrays else (out, kept)


def soft_nms(
    boxes: Any, scores: Any, iou_threshold: float = 0.3, sigma: float = 0.5, min_score: float = 1e-3,
    method: str = "linear", offset: int = 0,
) -> tuple[Any, Any]:  # fmt: skip
    """Boxes by score, where each lowers the scores of those it overlaps: ``linear``, ``gaussian`` or ``naive``."""
    if method not in ("linear", "gaussian", "naive"):
        raise AssertionError(f"method={method!r}: 'linear', 'gaussian' or 'naive'")
    arrays = isinstance(boxes, np.ndarray)
    box, score = (torch.from_numpy(boxes), torch.from_numpy(scores)) if arrays else (boxes, scores)
    left, values = torch.arange(len(box), device=box.device), score.clone()
    kept, found = [], []
    while len(left):
        best = values[left].argmax()
        index = left[best]
        kept.append(index)
        found.append(values[index].clone())
        left = torch.cat([left[:best], left[best + 1 :]])
        overlap = bbox_overlaps(box[index][None], box[left], offset=offset)[0]
        if method == "gaussian":
            factor = torch.exp(-overlap.square() / sigma)
        else:
            over = overlap >= iou_threshold if method == "linear" else overlap > iou_threshold
            factor = torch.where(over, 1 - overlap if method == "linear" else 0.0, 1.0)
        values[left] = values[left] * factor
        left = left[values[left] > min_score]
    indices = torch.stack(kept) if kept else left
    out = torch.cat([box[indices], torch.stack(found)[:, None] if found else score[:0, None]], dim=1)
    return (out.numpy(), indices.numpy()) if arrays else (out, indices)


def batched_nms(
    boxes: Tensor, scores: Tensor, idxs: Tensor, nms_cfg: Mapping[str, Any] | None, class_agnostic: bool = False
) -> tuple[Tensor, Tensor]:
    """`nms` within each group ``idxs`` (N,); ``nms_cfg=None`` only sorts."""
    if nms_cfg is None:
        order = scores.argsort(descending=True)
        return torch.cat([boxes[order], scores[order, None]], dim=1), order
    given = dict(nms_cfg)
    agnostic = given.pop("class_agnostic", class_agnostic)
    kind = given.pop("type", "nms")
    given.pop("split_thr", None)
    most = given.pop("max_num", -1)
    moved = boxes
    if not agnostic and len(boxes):
        moved = boxes + (idxs.to(boxes) * (boxes.max() + 1))[:, None]
    function: Any = {"nms": nms, "soft_nms": soft_nms}.get(kind)
    if function is None:
        raise KeyError(f"nms_cfg: type={kind!r} is not there; 'nms' or 'soft_nms'")
    found, kept = function(moved, scores, **given)
    found, kept = (found[:most], kept[:most]) if most > 0 else (found, kept)
    return torch.cat([boxes[kept], found[:, 4:]], dim=1), kept


def nms_match(dets: Any, iou_threshold: float) -> list[Any]:
    """Groups of indices: each kept box first, then those that it suppresses; ``dets`` is (N, 5)."""
    arrays = isinstance(dets, np.ndarray)
    given = torch.from_numpy(dets) if arrays else dets
    order = given[:, 4].argsort(descending=True, stable=True)
    overlaps = bbox_overlaps(given[:, :4], given[:, :4])
    groups = []
    while len(order):
        first = order[0]
        over = overlaps[first, order] >= iou_threshold
        over[0] = True
        groups.append(order[over])
        order = order[~over]
    return [group.numpy() for group in groups] if arrays else groups
