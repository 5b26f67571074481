"""Scale-invariant logarithmic error of depth maps (Eigen et al. 2014, arXiv:1406.2283, section 3.2).

Deviation from the reference: an image without any depth costs 0 (there, NaN), and so does a perfect prediction, whose
gradient is 0 as well (there, NaN).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segue.layers.reduction import Reduction, reduce


class SiLogLoss(nn.Module):
    """``sqrt(mean(d ** 2) - mean(d) ** 2 / 2)`` per image, d the difference of the logarithms (equation 4).

    Args:
        reduction: over images: ``mean``, ``sum`` or ``none`` (then (B,)).
        loss_weight: factor of the result.
        eps: true depths not above this are missing; predicted ones are raised to it.
        loss_name: key in the log.
    """

    def __init__(
        self,
        *,
        reduction: Reduction = "mean",
        loss_weight: float = 1.0,
        eps: float = 1e-6,
        loss_name: str = "loss_silog",
    ) -> None:
        super().__init__()
        self.reduction = reduction
        self.loss_weight = loss_weight
        self.eps = eps
        self.loss_name = loss_name

    def forward(
        self, pred: Tensor, target: Tensor, weight: Tensor | None = None, ignore_index: int | None = None
    ) -> Tensor:
        """Loss of depths ``pred`` (B, 1, H, W) or (B, H, W) for ``target`` of as many elements; ``weight`` (B, H, W)
        scales pixels. Every number may be a depth, so ``ignore_index`` means nothing.
        """
        pred, target = pred.flatten(1), target.flatten(1)
        counted = (target > self.eps).to(pred.dtype)
        if weight is not None:
            counted = counted * weight.flatten(1)
        present = counted > 0
        # 1 where it does not count, so that no logarithm there can spoil the gradient.
        truth, found = target.where(present, torch.ones_like(target)), pred.where(present, torch.ones_like(pred))
        difference = truth.log() - found.clamp(min=self.eps).log()
        total = counted.sum(dim=1).clamp(min=torch.finfo(pred.dtype).tiny)
        mean = (difference * counted).sum(dim=1) / total
        square = (difference.square() * counted).sum(dim=1) / total - 0.5 * mean.square()
        positive = square > 0
        loss = square.where(positive, torch.ones_like(square)).sqrt() * positive
        loss = self.loss_weight * loss
        return reduce(loss, self.reduction)
