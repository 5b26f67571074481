"""Cross-entropy of boundaries, each of the two classes weighted by the share of the other.

As PIDNet (arXiv:2206.02066, section 3.5) trains its boundary branch.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from segue.errors import InputError


class BoundaryLoss(nn.Module):
    """Balanced binary cross-entropy of boundary logits, over a batch.

    Args:
        loss_weight: factor of the result.
        loss_name: key in the log.
    """

    def __init__(self, loss_weight: float = 1.0, loss_name: str = "loss_boundary") -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(
        self, pred: Tensor, target: Tensor, weight: Tensor | None = None, ignore_index: int | None = None
    ) -> Tensor:
        """Loss of logits ``pred`` (B, 1, H, W) for ``target`` (B, H, W) or (B, 1, H, W): 1 on boundaries, 0 elsewhere.

        Pixels with any other value count for nothing, but are divided by. ``weight`` (B, H, W) scales pixels.

        Raises:
            InputError: more than one logit per pixel.
        """
        if pred.shape[1] != 1:
            raise InputError(f"BoundaryLoss: {pred.shape[1]} logits per pixel; a boundary needs one")
        if target.ndim == pred.ndim:
            target = target.squeeze(1)
        on, off = target == 1, target == 0
        total = (on.sum() + off.sum()).clamp(min=1)
        balance = (on * off.sum() + off * on.sum()).to(pred.dtype) / total
        if weight is not None:
            balance = balance * weight
        loss = F.binary_cross_entropy_with_logits(pred[:, 0], on.to(pred.dtype), balance)
        return self.loss_weight * loss
