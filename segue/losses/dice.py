"""Dice loss: one minus the overlap of prediction and truth (V-Net, arXiv:1606.04797, section 3).

Deviation from the reference: ignored pixels count nowhere. There, whatever is predicted on them counts as wrong;
``count_ignored=True`` restores that, to compare with numbers measured there.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from segue.layers.reduction import reduce, sum_pixels
from segue.layers.truth import binary_truth


class DiceLoss(nn.Module):
    """Dice loss of logits (B, C, H, W) and labels (B, H, W), per image over all classes together.

    Args:
        use_sigmoid: activate with the sigmoid; False: with the softmax over classes (identity where C is 1).
        activate: whether ``pred`` are logits; False: they are probabilities already.
        reduction: over images: ``mean``, ``sum`` or ``none`` (then (B,)).
        naive_dice: divide by the sums of the values, as in the original Dice coefficient; by default by the sums of
            their squares, as in V-Net.
        loss_weight: factor of the result.
        ignore_index: label that is no class; if it is one of the C classes, that class is left out of the overlap.
        eps: keeps the quotient finite.
        loss_name: key in the log.
        count_ignored: count predictions on ignored pixels as wrong, as mmseg 1.2.2 does.
    """

    one_sum: ClassVar[bool] = False

    def __init__(
        self,
        use_sigmoid: bool = True,
        *,
        activate: bool = True,
        reduction: Literal["mean", "sum", "none"] = "mean",
        naive_dice: bool = False,
        loss_weight: float = 1.0,
        ignore_index: int = 255,
        eps: float = 1e-3,
        loss_name: str = "loss_dice",
        count_ignored: bool = False,
    ) -> None:
        super().__init__()
        self.use_sigmoid = use_sigmoid
        self.activate = activate
        self.reduction = reduction
        self.naive_dice = naive_dice
        self.loss_weight = loss_weight
        self.ignore_index = ignore_index
        self.eps = eps
        self.loss_name = loss_name
        self.count_ignored = count_ignored

    def forward(
        self, pred: Tensor, target: Tensor, weight: Tensor | None = None, ignore_index: int | None = None
    ) -> Tensor:
        """Loss of ``pred`` (B, C, H, W) against ``target`` (B, H, W) int64, with the sigmoid also multilabel ones
        (B, C, H, W); ``weight`` (B, H, W) scales pixels.
        """
        sums = self.sums(pred, target, weight, ignore_index)
        return self._of_images(sums)

    def adds_up(self) -> bool:
        """Whether it is a function of sums over pixels (``layers/banded_loss.py``)."""
        return self.reduction != "none"

    def sums(self, pred: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int | None) -> Tensor:
        """Of each image the overlap, and the sums (of squares) of prediction and truth, (B, 3)."""
        if self.activate:
            if self.use_sigmoid:
                pred = pred.sigmoid()
            elif pred.shape[1] > 1:
                pred = pred.softmax(dim=1)
        classes = pred.shape[1]
        counted = (target >= 0) & (target < max(classes, 2))
        if ignore_index is not None:
            counted &= target != ignore_index
        truth, counted = binary_truth(pred, target, counted)
        if not self.count_ignored:
            pred = pred * counted
        if 0 <= self.ignore_index < classes:
            kept = [c for c in range(classes) if c != self.ignore_index]
            pred, truth = pred[:, kept], truth[:, kept]
        if weight is not None:
            pred = pred * weight.unsqueeze(1)
        pred, truth = pred.flatten(1), truth.flatten(1)
        parts = (pred, truth) if self.naive_dice else (pred.pow(2), truth.pow(2))
        return torch.cat([sum_pixels(part) for part in (pred * truth, *parts)], dim=1)

    def of_sums(self, sums: Tensor, classes: int, target: Tensor, weight: Tensor | None, ignore_index: int) -> Tensor:
        """The loss from ``sums`` over all pixels of ``target``."""
        return self._of_images(sums)

    def _of_images(self, sums: Tensor) -> Tensor:
        overlap, predicted, true = sums.unbind(dim=1)
        if self.naive_dice:
            dice = (2 * overlap + self.eps) / (predicted + true + self.eps)
        else:
            dice = 2 * overlap / (predicted + true + 2 * self.eps)
        return self.loss_weight * reduce(1 - dice, self.reduction)
