"""Focal loss (Lin et al. 2017, arXiv:1708.02002): binary cross-entropy per class, with easy pixels weighed down.

Deviation from the reference: labels of pixels work on every device (there, on CUDA only).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.errors import InputError
from segue.layers.reduction import Reduction, by_pixel, sum_pixels
from segue.layers.truth import binary_truth


class FocalLoss(nn.Module):
    """``-alpha_t (1 - p_t) ** gamma log(p_t)`` (equation 5) for every pixel and class.

    Args:
        use_sigmoid: only True; kept because configs say it.
        gamma: how much easy pixels are weighed down.
        alpha: weight of positive pixels, of one class each where it is a list; negative ones have ``1 - alpha``.
        reduction: ``mean`` over all pixels and classes, ignored pixels (whose loss is 0) included, as the reference;
            ``sum``, or ``none`` (then (B, C, H, W)).
        class_weight: one factor per class.
        loss_weight: factor of the result.
        loss_name: key in the log.
    """

    one_sum: ClassVar[bool] = True

    def __init__(
        self,
        use_sigmoid: bool = True,
        *,
        gamma: float = 2.0,
        alpha: float | Sequence[float] = 0.5,
        reduction: Reduction = "mean",
        class_weight: Sequence[float] | None = None,
        loss_weight: float = 1.0,
        loss_name: str = "loss_focal",
    ) -> None:
        super().__init__()
        if not use_sigmoid:
            raise InputError("FocalLoss: use_sigmoid=False; there is only the form with the sigmoid")
        self.gamma = gamma
        self.alpha = alpha
        self.reduction = reduction
        self.class_weight = list(class_weight) if class_weight is not None else None
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(self, pred: Tensor, target: Tensor, weight: Tensor | None = None, ignore_index: int = 255) -> Tensor:
        """Loss of logits ``pred`` (B, C, H, W) for ``target`` (B, H, W) int64, multilabel ones (B, C, H, W), or
        probabilities of that shape; ``weight`` (B, H, W) scales pixels.
        """
        if self.reduction == "none":
            return self.loss_weight * self._weighted(pred, target, weight, ignore_index)
        sums = self.sums(pred, target, weight, ignore_index)
        return self.of_sums(sums, pred.shape[1], target, weight, ignore_index)

    def adds_up(self) -> bool:
        """Whether it is a function of sums over pixels (``layers/banded_loss.py``)."""
        return self.reduction != "none"

    def sums(self, pred: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int) -> Tensor:
        """The elements of each image added up, (B, 1)."""
        return sum_pixels(self._weighted(pred, target, weight, ignore_index))

    def of_sums(self, sums: Tensor, classes: int, target: Tensor, weight: Tensor | None, ignore_index: int) -> Tensor:
        """The loss from ``sums`` over all pixels of ``target``."""
        total = self.loss_weight * sums.sum()
        return total if self.reduction == "sum" else total / (target.numel() * (classes if target.ndim == 3 else 1))

    def _weighted(self, pred: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int) -> Tensor:
        return by_pixel(self._elements(pred, target, ignore_index), weight)

    def per_pixel(self, pred: Tensor, target: Tensor, ignore_index: int = 255) -> Tensor:
        """The loss of each pixel, (B, H, W); 0 where ignored. Hard-example mining sorts by it."""
        return self.loss_weight * self._elements(pred, target, ignore_index).sum(dim=1)

    def _elements(self, pred: Tensor, target: Tensor, ignore_index: int) -> Tensor:
        """(B, C, H, W)."""
        if target.is_floating_point():
            truth, labeled = target.to(pred.dtype), torch.ones_like(pred)
        else:
            truth, labeled = binary_truth(pred, target, (target != ignore_index) & (target >= 0))
        prob = pred.sigmoid()
        alpha = torch.as_tensor(self.alpha, dtype=pred.dtype, device=pred.device).view(-1, 1, 1)
        miss = (1 - prob) * truth + prob * (1 - truth)  # 1 - p_t
        factor = (alpha * truth + (1 - alpha) * (1 - truth)) * miss**self.gamma
        loss = factor * F.binary_cross_entropy_with_logits(pred, truth, reduction="none")
        if self.class_weight is not None:
            loss = loss * pred.new_tensor(self.class_weight).view(-1, 1, 1)
        return loss * labeled
