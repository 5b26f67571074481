"""Cross-entropy per pixel: over classes (softmax), or per class (sigmoid).

Deviations from the reference, which each mended a fault there: with ``class_weight``, ignored pixels weigh nothing
(it looked up the weight of class 255); with ``use_sigmoid`` and class weights the weights apply to classes (they ran
along columns).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.errors import InputError
from segue.layers.reduction import by_pixel, sum_pixels
from segue.layers.truth import binary_truth


class CrossEntropyLoss(nn.Module):
    """Cross-entropy of logits (B, C, H, W) and labels (B, H, W); with the sigmoid also multilabel ones (B, C, H, W).

    Args:
        use_sigmoid: one binary problem per class, or a single one where C is 1, in place of the softmax over classes.
        reduction: ``mean``, ``sum`` or ``none`` (then (B, H, W), or (B, C, H, W) with the sigmoid).
        class_weight: one factor per class; with the sigmoid, of its positive pixels.
        loss_weight: factor of the result.
        loss_name: key in the log; only names containing ``loss`` are added up and trained on.
        avg_non_ignore: ``mean`` divides by the labeled pixels only; by default it divides by all pixels, as the
            reference. With ``class_weight`` and the softmax the divisor is the sum of the weights of the labeled
            pixels in both cases.
    """

    one_sum: ClassVar[bool] = True

    def __init__(
        self,
        use_sigmoid: bool = False,
        *,
        reduction: Literal["mean", "sum", "none"] = "mean",
        class_weight: Sequence[float] | None = None,
        loss_weight: float = 1.0,
        loss_name: str = "loss_ce",
        avg_non_ignore: bool = False,
    ) -> None:
        super().__init__()
        self.use_sigmoid = use_sigmoid
        self.reduction = reduction
        self.class_weight = list(class_weight) if class_weight is not None else None
        self.loss_weight = loss_weight
        self.loss_name = loss_name
        self.avg_non_ignore = avg_non_ignore

    def forward(self, pred: Tensor, target: Tensor, weight: Tensor | None = None, ignore_index: int = 255) -> Tensor:
        """Loss of logits ``pred`` (B, C, H, W) for ``target`` (B, H, W) int64; ``weight`` (B, H, W) scales pixels."""
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
        return total if self.reduction == "sum" else total / self._count(sums, classes, target, ignore_index)

    def per_pixel(self, pred: Tensor, target: Tensor, ignore_index: int = 255) -> Tensor:
        """The loss of each pixel, (B, H, W); 0 where ignored. Hard-example mining sorts by it."""
        loss = self._elements(pred, target, ignore_index)
        return self.loss_weight * (loss if loss.ndim == 3 else loss.sum(dim=1))

    def _weighted(self, pred: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int) -> Tensor:
        return by_pixel(self._elements(pred, target, ignore_index), weight)

    def _elements(self, pred: Tensor, target: Tensor, ignore_index: int) -> Tensor:
        class_weight = pred.new_tensor(self.class_weight) if self.class_weight else None
        if not self.use_sigmoid:
            if target.ndim == pred.ndim:
                raise InputError("CrossEntropyLoss: several classes per pixel need use_sigmoid=True")
            return F.cross_entropy(pred, target, weight=class_weight, reduction="none", ignore_index=ignore_index)
        truth, labeled = binary_truth(pred, target, (target != ignore_index) & (target >= 0))
        positive = class_weight.view(-1, 1, 1) if class_weight is not None else None
        return F.binary_cross_entropy_with_logits(pred, truth, pos_weight=positive, reduction="none") * labeled

    def _count(self, sums: Tensor, classes: int, target: Tensor, ignore_index: int) -> Tensor | int:
        """What ``mean`` divides by."""
        labeled = target != ignore_index
        if self.class_weight and not self.use_sigmoid:
            weights = sums.new_tensor(self.class_weight)[target.where(labeled, 0)]
            return (weights * labeled).sum().clamp(min=torch.finfo(sums.dtype).eps)
        per_label = classes if self.use_sigmoid and target.ndim == 3 else 1
        if self.avg_non_ignore:
            return (labeled.sum() * per_label).clamp(min=1)
        return target.numel() * per_label
