"""Tversky loss (Salehi et al. 2017, arXiv:1706.05721): like Dice, with false alarms and misses weighed apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from segue.errors import InputError
from segue.layers.reduction import sum_pixels
from segue.layers.truth import binary_truth


class TverskyLoss(nn.Module):
    """One minus the Tversky index (equation 3), per class and image, then averaged.

    Args:
        smooth: added to numerator and denominator.
        class_weight: one factor per class.
        loss_weight: factor of the result.
        ignore_index: label that is no class; if it is one of the C classes, that class is left out of the sum (which
            is divided by C all the same, as in the reference).
        alpha: weight of pixels wrongly given to a class.
        beta: weight of pixels of a class that were missed; ``1 - alpha``.
        loss_name: key in the log.

    Raises:
        InputError: ``alpha`` and ``beta`` do not add up to 1.
    """

    one_sum: ClassVar[bool] = False

    def __init__(
        self,
        *,
        smooth: float = 1,
        class_weight: Sequence[float] | None = None,
        loss_weight: float = 1.0,
        ignore_index: int = 255,
        alpha: float = 0.3,
        beta: float = 0.7,
        loss_name: str = "loss_tversky",
    ) -> None:
        super().__init__()
        if abs(alpha + beta - 1) > 1e-6:
            raise InputError(f"TverskyLoss: alpha={alpha} and beta={beta} must add up to 1")
        self.smooth = smooth
        self.class_weight = list(class_weight) if class_weight is not None else None
        self.loss_weight = loss_weight
        self.ignore_index = ignore_index
        self.alpha = alpha
        self.beta = beta
        self.loss_name = loss_name

    def forward(
        self, pred: Tensor, target: Tensor, weight: Tensor | None = None, ignore_index: int | None = None
    ) -> Tensor:
        """Loss of logits ``pred`` (B, C, H, W) for ``target`` (B, H, W) int64, or with the sigmoid for multilabel ones
        (B, C, H, W); ``weight`` (B, H, W) scales pixels.
        """
        sums = self.sums(pred, target, weight, ignore_index)
        return self.of_sums(sums, pred.shape[1], target, weight, ignore_index)

    def adds_up(self) -> bool:
        """It is a function of sums over pixels (``layers/banded_loss.py``)."""
        return True

    def sums(self, pred: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int | None) -> Tensor:
        """Of each image the hits, false alarms and misses of every class, (B, 3 C); C is 2 where there is one logit."""
        multilabel = target.ndim == pred.ndim
        if pred.shape[1] == 1 and not multilabel:  # one logit: two classes
            pred = torch.cat([torch.zeros_like(pred), pred], dim=1)
        prob = pred.sigmoid() if multilabel else pred.softmax(dim=1)
        counted = (target != self.ignore_index) & (target >= 0)
        if ignore_index is not None:
            counted &= target != ignore_index
        truth, counted = binary_truth(prob, target, counted)
        pixels = counted.to(prob.dtype) if weight is None else counted * weight.unsqueeze(1)
        parts = (prob * truth, prob * (1 - truth), (1 - prob) * truth)
        return torch.cat([sum_pixels((part * pixels).flatten(0, 1)).view(len(pred), -1) for part in parts], dim=1)

    def of_sums(
        self, sums: Tensor, classes: int, target: Tensor, weight: Tensor | None, ignore_index: int | None
    ) -> Tensor:
        """The loss from ``sums`` over all pixels of ``target``."""
        hits, alarms, misses = torch.unflatten(sums, 1, (3, -1)).unbind(dim=1)  # (B, C) each; C is 2 of one logit
        index = (hits + self.smooth) / (hits + self.alpha * alarms + self.beta * misses + self.smooth)
        loss = (1 - index).mean(dim=0)  # (C,)
        if self.class_weight is not None:
            loss = loss * loss.new_tensor(self.class_weight)
        if 0 <= self.ignore_index < hits.shape[1]:
            loss = torch.cat([loss[: self.ignore_index], loss[self.ignore_index + 1 :]])
        whole: Tensor = self.loss_weight * loss.sum() / hits.shape[1]
        return whole
