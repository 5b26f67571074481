"""Lovász losses (Berman et al. 2018, arXiv:1705.08790): a convex surrogate of the intersection over union itself.

Deviation from the reference: ``reduction="mean"`` may be given without ``per_image`` (there, the default arguments
contradict each other).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.errors import InputError
from segue.layers.reduction import Reduction, reduce


def lovasz_gradient(truth: Tensor) -> Tensor:
    """Algorithm 1: from the truth of pixels (P,), by falling error, to the slope of the extension at each, (P,)."""
    count = truth.sum()
    intersection = count - truth.cumsum(0)
    union = count + (1 - truth).cumsum(0)
    jaccard = 1 - intersection / union
    return torch.cat([jaccard[:1], jaccard[1:] - jaccard[:-1]])


def lovasz_hinge(logits: Tensor, labels: Tensor) -> Tensor:
    """The binary form (equation 8) for logits (P,) and labels (P,) of 0 and 1."""
    truth = labels.to(logits.dtype)
    errors, order = (1 - logits * (2 * truth - 1)).sort(descending=True)
    return F.relu(errors) @ lovasz_gradient(truth[order])


def lovasz_softmax(
    prob: Tensor, labels: Tensor, classes: Sequence[int], present_only: bool, class_weight: Tensor | None
) -> Tensor:
    """The form for several classes (equation 9), for probabilities (C, P) and labels (P,): averaged over classes."""
    losses = []
    for c in classes:
        truth = (labels == c).to(prob.dtype)
        if present_only and not truth.any():
            continue
        errors, order = (truth - prob[c]).abs().sort(descending=True)
        loss = errors @ lovasz_gradient(truth[order])
        losses.append(loss if class_weight is None else loss * class_weight[c])
    return torch.stack(losses).mean() if losses else prob.sum() * 0.0


class LovaszLoss(nn.Module):
    """Lovász-Softmax, or the Lovász hinge for one logit per pixel.

    Pixels that are ignored, or whose ``weight`` is 0, are left out.

    Args:
        loss_type: ``multi_class`` or ``binary``.
        classes: which classes are averaged: those ``present`` in the labels, ``all``, or a list.
        per_image: one loss per image in place of one for the batch.
        reduction: over images, with ``per_image``: ``mean``, ``sum`` or ``none`` (then (B,)).
        class_weight: one factor per class.
        loss_weight: factor of the result.
        loss_name: key in the log.
    """

    def __init__(
        self,
        loss_type: Literal["multi_class", "binary"] = "multi_class",
        *,
        classes: Literal["present", "all"] | Sequence[int] = "present",
        per_image: bool = False,
        reduction: Reduction = "mean",
        class_weight: Sequence[float] | None = None,
        loss_weight: float = 1.0,
        loss_name: str = "loss_lovasz",
    ) -> None:
        super().__init__()
        if isinstance(classes, str) and classes not in ("present", "all"):
            raise InputError(f"LovaszLoss: classes={classes!r}; give 'present', 'all' or a list of class ids")
        self.loss_type = loss_type
        self.classes = classes
        self.per_image = per_image
        self.reduction = reduction
        self.class_weight = list(class_weight) if class_weight is not None else None
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(self, pred: Tensor, target: Tensor, weight: Tensor | None = None, ignore_index: int = 255) -> Tensor:
        """Loss of logits ``pred`` (B, C, H, W) for ``target`` (B, H, W) int64."""
        counted = (target != ignore_index) & (target >= 0)
        if weight is not None:
            counted &= weight > 0
        if self.loss_type == "binary":
            if pred.shape[1] != 1:
                raise InputError(f"LovaszLoss: loss_type='binary' takes one logit per pixel, not {pred.shape[1]}")
            scores = pred
        else:
            scores = pred.softmax(dim=1)
        if not self.per_image:
            return self.loss_weight * self._loss(scores.transpose(0, 1)[:, counted], target[counted])
        loss = self.loss_weight * torch.stack(
            [self._loss(s[:, c], t[c]) for s, t, c in zip(scores, target, counted, strict=True)]
        )
        return reduce(loss, self.reduction)

    def _loss(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Scores (C, P) and labels (P,) to a scalar."""
        if labels.numel() == 0:
            return scores.sum()  # of nothing: 0, with a gradient
        if self.loss_type == "binary":
            return lovasz_hinge(scores[0], labels)
        chosen = range(scores.shape[0]) if isinstance(self.classes, str) else self.classes
        weight = scores.new_tensor(self.class_weight) if self.class_weight is not None else None
        return lovasz_softmax(scores, labels, chosen, self.classes == "present", weight)
