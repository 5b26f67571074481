"""What a loss does with the values of its elements."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Reduction = Literal["mean", "sum", "none"]


def reduce(loss: Tensor, reduction: Reduction) -> Tensor:
    """Any shape to a scalar, or unchanged for ``none``."""
    if reduction == "mean":
        return loss.mean()
    return loss.sum() if reduction == "sum" else loss


def sum_pixels(elements: Tensor) -> Tensor:
    """(B, ...) to the sum of each image, (B, 1), in float32 at least; elements (N,) are summed one by one."""
    each = elements.reshape(-1, 1) if elements.ndim < 2 else elements.flatten(1)
    return each.sum(dim=1, keepdim=True, dtype=torch.promote_types(elements.dtype, torch.float32))


def by_pixel(elements: Tensor, weight: Tensor | None) -> Tensor:
    """(B, H, W) or (B, C, H, W) times the weights of pixels (B, H, W), or of elements, if there are any."""
    if weight is None:
        return elements
    return elements * (weight if weight.ndim == elements.ndim else weight.unsqueeze(1))
