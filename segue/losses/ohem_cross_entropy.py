"""Cross-entropy of the pixels that are hard: those whose true class has a low probability.

Online hard example mining (arXiv:1604.03540) per pixel, as DDRNet (arXiv:2101.06085) and PIDNet (arXiv:2206.02066)
train with it.

Deviation from the reference: where no pixel is hard the loss is 0 (there: the mean of nothing, NaN).
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F


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
        labeled = (target != self.ignore_label) & (target != ignore_index)
        target = target.where(labeled, 0)
        class_weight = pred.new_tensor(self.class_weight) if self.class_weight else None
        losses = F.cross_entropy(pred, target, weight=class_weight, reduction="none")
        if weight is not None:
            losses = losses * weight
        losses = losses[labeled]
        if losses.numel() == 0:
            return self.loss_weight * (pred * 0).sum()
        probability = pred.detach().softmax(dim=1).gather(1, target.unsqueeze(1)).squeeze(1)[labeled]
        kept = min(self.min_kept, losses.numel() - 1)
        limit = probability.sort().values[kept].clamp(min=self.thres)
        hard = probability < limit
        return self.loss_weight * (losses * hard).sum() / hard.sum().clamp(min=1)
