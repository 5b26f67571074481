"""mmseg's losses as functions of a user's own: cross-entropy, dice, focal, Lovász, Tversky, SILog."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from segue.compat.mmseg.losses import weight_reduce_loss, weighted_loss
from segue.losses.lovasz import lovasz_gradient as lovasz_grad


def _one_hot(labels: Tensor, like: Tensor, ignore_index: int) -> tuple[Tensor, Tensor]:
    """Labels (B, ...) as (B, C, ...) of 0 and 1, and which count: (B, ...)."""
    valid = (labels >= 0) & (labels != ignore_index)
    hot = F.one_hot(labels.where(valid, 0), like.shape[1]).movedim(-1, 1)
    return hot.where(valid.unsqueeze(1), 0), valid


def binary_cross_entropy(
    pred: Tensor,
    label: Tensor,
    weight: Tensor | None = None,
    reduction: str = "mean",
    avg_factor: Any = None,
    class_weight: Any = None,
    ignore_index: int = -100,
    avg_non_ignore: bool = False,
    **kwargs: Any,
) -> Tensor:
    """Of logits (B, C, ...) and labels (B, ...) of classes, or (B, C, ...) of 0 and 1; one channel: labels 0 and 1."""
    if pred.shape[1] == 1:
        if label[label != ignore_index].max() > 1:
            raise AssertionError("For pred with shape [N, 1, H, W], its label must have at most 2 classes")
        label = label.unsqueeze(1) if label.ndim < pred.ndim else label
        valid = ((label >= 0) & (label != ignore_index)).float()
        target = label.float()
    elif label.ndim < pred.ndim:
        target, present = _one_hot(label, pred, ignore_index)
        valid = present.unsqueeze(1).expand_as(target).float()
    else:
        target, valid = label, ((label >= 0) & (label != ignore_index)).float()
    if avg_factor is None and avg_non_ignore and reduction == "mean":
        avg_factor = valid.sum().item()
    factors = None if class_weight is None else pred.new_tensor(class_weight).view(1, -1, *(1,) * (pred.ndim - 2))
    loss = F.binary_cross_entropy_with_logits(pred, target.float(), reduction="none")
    loss = loss if factors is None else loss * factors
    if weight is not None:
        weight = weight.unsqueeze(1).expand_as(loss) if weight.ndim < loss.ndim else weight
        valid = valid * weight
    return weight_reduce_loss(loss, valid, reduction, avg_factor)


def mask_cross_entropy(
    pred: Tensor,
    target: Tensor,
    label: Tensor,
    reduction: str = "mean",
    avg_factor: Any = None,
    class_weight: Any = None,
    ignore_index: None = None,
    **kwargs: Any,
) -> Tensor:
    """Of masks (N, C, H, W), of which each row's class ``label`` (N,) counts, and truth (N, H, W): (1,)."""
    if ignore_index is not None:
        raise AssertionError("BCE loss does not support ignore_index")
    if reduction != "mean" or avg_factor is not None:
        raise AssertionError("mask_cross_entropy only has reduction='mean' without avg_factor")
    chosen = pred[torch.arange(len(pred), device=pred.device), label].squeeze(1)
    return F.binary_cross_entropy_with_logits(chosen, target, weight=class_weight, reduction="mean")[None]


def dice_loss(
    pred: Tensor,
    target: Tensor,
    weight: Tensor | None,
    eps: float = 1e-3,
    reduction: str | None = "mean",
    naive_dice: bool | None = False,
    avg_factor: Any = None,
    ignore_index: int | None = 255,
) -> Tensor:
    """Of probabilities and truth of the same shape (B, C, ...); the channel ``ignore_index`` is left out."""
    if ignore_index is not None:
        kept = torch.arange(pred.shape[1], device=pred.device) != ignore_index
        pred, target = pred[:, kept], target[:, kept]
    if not pred.shape[1]:
        raise AssertionError("every channel is ignored")
    first, second = pred.flatten(1), target.flatten(1).float()
    overlap = (first * second).sum(1)
    if naive_dice:
        dice = (2 * overlap + eps) / (first.sum(1) + second.sum(1) + eps)
    else:
        dice = 2 * overlap / (first.square().sum(1) + eps + second.square().sum(1) + eps)
    return weight_reduce_loss(1 - dice, weight, reduction or "none", avg_factor)


def py_sigmoid_focal_loss(
    pred: Tensor,
    target: Tensor,
    one_hot_target: Tensor | None = None,
    weight: Tensor | None = None,
    gamma: float = 2.0,
    alpha: float | Sequence[float] = 0.5,
    class_weight: Any = None,
    valid_mask: Tensor | None = None,
    reduction: str = "mean",
    avg_factor: Any = None,
) -> Tensor:
    """Of logits and truth of the same shape (N, C)."""
    rate: Any = pred.new_tensor(alpha) if isinstance(alpha, (list, tuple)) else alpha
    prob, target = pred.sigmoid(), target.type_as(pred)
    missed = (1 - prob) * target + prob * (1 - target)
    factor = (rate * target + (1 - rate) * (1 - target)) * missed.pow(gamma)
    loss = F.binary_cross_entropy_with_logits(pred, target, reduction="none") * factor
    final: Any = torch.ones(1, pred.shape[1]).type_as(loss)
    if weight is not None:
        final = final * (weight.view(-1, 1) if weight.ndim == 1 and len(weight) == len(loss) else weight)
    if class_weight is not None:
        final = final * pred.new_tensor(class_weight)
    if valid_mask is not None:
        final = final * valid_mask
    return weight_reduce_loss(loss, final, reduction, avg_factor)


def sigmoid_focal_loss(
    pred: Tensor,
    target: Tensor,
    one_hot_target: Tensor,
    weight: Tensor | None = None,
    gamma: float = 2.0,
    alpha: float | Sequence[float] = 0.5,
    class_weight: Any = None,
    valid_mask: Tensor | None = None,
    reduction: str = "mean",
    avg_factor: Any = None,
) -> Tensor:
    """Of logits (N, C), with the truth as ``one_hot_target``."""
    return py_sigmoid_focal_loss(
        pred, one_hot_target, None, weight, gamma, alpha, class_weight, valid_mask, reduction, avg_factor
    )


@weighted_loss
def tversky_loss(
    pred: Tensor,
    target: Tensor,
    valid_mask: Tensor,
    alpha: float = 0.3,
    beta: float = 0.7,
    smooth: float = 1,
    class_weight: Any = None,
    ignore_index: int | None = 255,
) -> Tensor:
    """Of probabilities and truth (B, C, ...), averaged over the classes that are not ``ignore_index``."""
    if pred.shape[0] != target.shape[0]:
        raise AssertionError(f"{pred.shape[0]} predictions for {target.shape[0]} targets")
    total: Any = 0
    for number in range(pred.shape[1]):
        if number != ignore_index:
            loss = binary_tversky_loss(
                pred[:, number], target[..., number], valid_mask=valid_mask, alpha=alpha, beta=beta, smooth=smooth
            )
            total = total + (loss if class_weight is None else loss * class_weight[number])
    return total / pred.shape[1]


@weighted_loss
def binary_tversky_loss(
    pred: Tensor, target: Tensor, valid_mask: Tensor, alpha: float = 0.3, beta: float = 0.7, smooth: float = 1
) -> Tensor:
    """Per row of probabilities and truth (B, ...): (B,)."""
    first, second, valid = pred.flatten(1), target.flatten(1), valid_mask.flatten(1)
    found = (first * second * valid).sum(1)
    wrong = (first * (1 - second) * valid).sum(1)
    missed = ((1 - first) * second * valid).sum(1)
    return 1 - (found + smooth) / (found + alpha * wrong + beta * missed + smooth)


def silog_loss(
    pred: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    eps: float = 1e-4,
    reduction: str | None = "mean",
    avg_factor: Any = None,
) -> Tensor:
    """Scale-invariant logarithmic error of depths (B, H, W); a target above ``eps`` counts."""
    pred, target = pred.flatten(1), target.flatten(1)
    valid = (target > eps).float()
    ratio = torch.log(target.clamp(min=eps)) - torch.log(pred.clamp(min=eps))
    count = valid.sum(1)
    loss = torch.sqrt((ratio.square() * valid).sum(1) / count - 0.5 * ((ratio * valid).sum(1) / count).square())
    return weight_reduce_loss(loss, weight, reduction or "none", avg_factor)


def _average(values: Sequence[Any], like: Tensor) -> Tensor:
    return torch.stack(list(values)).mean() if len(values) else like.sum() * 0.0


def flatten_binary_logits(logits: Tensor, labels: Tensor, ignore_index: int | None = None) -> tuple[Tensor, Tensor]:
    """Logits and labels (B, H, W) in a row, without ignored pixels."""
    flat, truth = logits.reshape(-1), labels.reshape(-1)
    if ignore_index is None:
        return flat, truth
    return flat[truth != ignore_index], truth[truth != ignore_index]


def flatten_probs(probs: Tensor, labels: Tensor, ignore_index: int | None = None) -> tuple[Tensor, Tensor]:
    """Probabilities (B, C, H, W) as (P, C), and labels (P,), without ignored pixels."""
    probs = probs.unsqueeze(1) if probs.ndim == 3 else probs
    flat, truth = probs.movedim(1, -1).reshape(-1, probs.shape[1]), labels.reshape(-1)
    if ignore_index is None:
        return flat, truth
    return flat[truth != ignore_index], truth[truth != ignore_index]


def lovasz_hinge_flat(logits: Tensor, labels: Tensor) -> Tensor:
    """The binary form for logits and labels in a row."""
    if not len(labels):
        return logits.sum() * 0.0
    signs = 2.0 * labels.float() - 1.0
    errors, order = (1.0 - logits * signs).sort(dim=0, descending=True)
    return F.relu(errors) @ lovasz_grad(labels.float()[order])


def lovasz_softmax_flat(probs: Tensor, labels: Tensor, classes: Any = "present", class_weight: Any = None) -> Tensor:
    """The form for classes, for probabilities (P, C) and labels (P,)."""
    if not probs.numel():
        return probs * 0.0
    count = probs.shape[1]
    losses = []
    for number in range(count) if classes in ("all", "present") else classes:
        truth = (labels == number).float()
        if classes == "present" and not truth.any():
            continue
        if count == 1 and len(classes) > 1:
            raise ValueError("Sigmoid output possible only with 1 class")
        errors, order = (truth - probs[:, 0 if count == 1 else number]).abs().sort(0, descending=True)
        loss = errors @ lovasz_grad(truth[order])
        losses.append(loss if class_weight is None else loss * class_weight[number])
    return torch.stack(losses).mean()


def lovasz_hinge(
    logits: Tensor,
    labels: Tensor,
    classes: Any = None,
    per_image: bool = False,
    class_weight: Any = None,
    reduction: str = "mean",
    avg_factor: Any = None,
    ignore_index: int = 255,
) -> Tensor:
    """Of logits and labels (B, H, W) of 0 and 1."""
    if not per_image:
        return lovasz_hinge_flat(*flatten_binary_logits(logits, labels, ignore_index))
    pairs = zip(logits, labels, strict=True)
    each = [lovasz_hinge_flat(*flatten_binary_logits(a[None], b[None], ignore_index)) for a, b in pairs]
    return weight_reduce_loss(torch.stack(each), None, reduction, avg_factor)


def lovasz_softmax(
    probs: Tensor,
    labels: Tensor,
    classes: Any = "present",
    per_image: bool = False,
    class_weight: Any = None,
    reduction: str = "mean",
    avg_factor: Any = None,
    ignore_index: int = 255,
) -> Tensor:
    """Of probabilities (B, C, H, W) and labels (B, H, W)."""
    if not per_image:
        return lovasz_softmax_flat(*flatten_probs(probs, labels, ignore_index), classes, class_weight)
    each = [
        lovasz_softmax_flat(*flatten_probs(a[None], b[None], ignore_index), classes, class_weight)
        for a, b in zip(probs, labels, strict=True)
    ]
    return weight_reduce_loss(torch.stack(each), None, reduction, avg_factor)


class Accuracy(torch.nn.Module):
    """The share of pixels, in percent, whose label is among the best ``topk`` classes."""

    def __init__(self, topk: Any = (1,), thresh: float | None = None, ignore_index: int | None = None) -> None:
        super().__init__()
        self.topk, self.thresh, self.ignore_index = topk, thresh, ignore_index

    def forward(self, pred: Tensor, target: Tensor) -> Any:
        """Logits (B, C, ...) and labels (B, ...) to (1,), or one per entry of a tuple ``topk``."""
        wanted = (self.topk,) if isinstance(self.topk, int) else tuple(self.topk)
        scores, labels = pred.movedim(1, -1).reshape(-1, pred.shape[1]), target.reshape(-1)
        if self.ignore_index is not None:
            kept = labels != self.ignore_index
            scores, labels = scores[kept], labels[kept]
        values, best = scores.topk(max(wanted), dim=1)
        hits = best == labels.unsqueeze(1)
        hits = hits if self.thresh is None else hits & (values > self.thresh)
        eps = torch.finfo(torch.float32).eps
        total = len(labels) + eps if self.ignore_index is not None else target.numel()
        found = [(hits[:, :k].float().sum() + eps).view(1) * (100.0 / total) for k in wanted]
        return found[0] if isinstance(self.topk, int) else found
