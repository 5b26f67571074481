"""What a loss does with the values of its elements."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

Reduction = Literal["mean", "sum", "none"]


def reduce(loss: Tensor, reduction: Reduction) -> Tensor:
    """Any shape to a scalar, or unchanged for ``none``."""
    if reduction == "mean":
        return loss.mean()
    return loss.sum() if reduction == "sum" else loss
