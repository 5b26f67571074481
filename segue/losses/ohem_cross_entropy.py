"""Cross-entropy of the pixels that are hard: those whose true class has a low probability.

Online hard example mining (arXiv:1604.03540) per pixel, as DDRNet (arXiv:2101.06085) and PIDNet (arXiv:2206.02066)
train with it.

Deviation from the reference: where no pixel is hard the loss is 0 (there: the mean of nothing, NaN).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.layers.reduction import sum_pixels


class OhemCrossEntropy(nn.Module):
    """Mean cross-entropy of the hard pixels of a batch.

    Args:
        ignore_label: label that is no class, beside the head's.
        thres: pixels whose true class has a probability below this are hard.
        min_kept: and at least this many of the least probable ones of the batch.
        loss_weight: factor of the result.
        class_weight: one factor per class.
        loss_name: key in the log.
    """

    one_sum: ClassVar[bool] = True

    def __init__(
        self,
        ignore_label: int = 255,
        thres: float = 0.7,
        min_kept: int = 100_000,
        *,
        loss_weight: float = 1.0,
        class_weight: Sequence[float] | None = None,
        loss_name: str = "loss_ohem",
    ) -> None:
        super().__init__()
        self.ignore_label = ignore_label
        self.thres = thres
        self.min_kept = max(1, min_kept)
        self.loss_weight = loss_weight
        self.class_weight = list(class_weight) if class_weight is not None else None
        self.loss_name = loss_name

    def forward(self, pred: Tensor, target: Tensor, weight: Tensor | None = None, ignore_index: int = 255) -> Tensor:
        """Loss of logits ``pred`` (B, C, H, W) for ``target`` (B, H, W) int64; ``weight`` (B, H, W) scales pixels."""
        hard = self.choose(self.hardness(pred, target, ignore_index), target, ignore_index)
        counted = hard if weight is None else hard * weight
        return self.of_sums(self.sums(pred, target, counted, ignore_index), pred.shape[1], target, hard, ignore_index)

    def adds_up(self) -> bool:
        """It is a function of sums over pixels (``layers/banded_loss.py``)."""
        return True

    @torch.no_grad()
    def hardness(self, pred: Tensor, target: Tensor, ignore_index: int) -> Tensor:
        """The probability of each pixel's true class, (B, H, W); anything where there is none."""
        truth = target.where(self._labeled(target, ignore_index), 0).unsqueeze(1)
        return pred.softmax(dim=1).gather(1, truth).squeeze(1)

    @torch.no_grad()
    def choose(self, hardness: Tensor, target: Tensor, ignore_index: int) -> Tensor:
        """Weights (B, H, W), 1 for a hard pixel of the batch."""
        labeled = self._labeled(target, ignore_index)
        probability = hardness[labeled]
        if probability.numel() == 0:
            return torch.zeros_like(hardness)
        kept = min(self.min_kept, probability.numel() - 1)
        limit = probability.sort().values[kept].clamp(min=self.thres)
        return ((hardness < limit) & labeled).to(hardness.dtype)

    def sums(self, pred: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int) -> Tensor:
        """The cross-entropy of each image's pixels, times ``weight``, added up, (B, 1)."""
        truth = target.where(self._labeled(target, ignore_index), 0)
        class_weight = pred.new_tensor(self.class_weight) if self.class_weight else None
        losses = F.cross_entropy(pred, truth, weight=class_weight, reduction="none")
        return sum_pixels(losses if weight is None else losses * weight)

    def of_sums(self, sums: Tensor, classes: int, target: Tensor, weight: Tensor | None, ignore_index: int) -> Tensor:
        """The mean over the hard pixels, which have ``weight`` 1."""
        count = target.numel() if weight is None else weight.sum(dtype=sums.dtype).clamp(min=1)
        return self.loss_weight * sums.sum() / count

    def _labeled(self, target: Tensor, ignore_index: int) -> Tensor:
        return (target != self.ignore_label) & (target != ignore_index)
