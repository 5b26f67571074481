"""Dropout of whole channels before a 1 x 1 convolution, without a copy of what it is applied to."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segue.layers.recompute import unnoticed


def convolve_dropped(x: Tensor, dropout: nn.Module | None, conv: nn.Module) -> Tensor:
    """``conv(dropout(x))``: (B, C, H, W) to (B, O, H, W).

    A channel that is dropped, or scaled because others are, meets one column of the weights only: weights (B, O, C) per
    image give the same as a copy of the map, which the gradient of the weights would keep. What is drawn is the same,
    results differ by rounding. Other layers, and any that would notice, are called as they are.
    """
    if dropout is None:
        return conv(x)  # type: ignore[no-any-return]
    if not (type(dropout) is nn.Dropout2d and dropout.training and _is_linear(conv) and unnoticed(x, (dropout, conv))):
        return conv(dropout(x))  # type: ignore[no-any-return]
    if x.ndim != 4 or not x.is_contiguous():
        return conv(dropout(x))  # type: ignore[no-any-return]
    kept = dropout(x.new_ones(*x.shape[:2], 1, 1)).flatten(1)
    weights = conv.weight.flatten(1) * kept[:, None]
    flat = x.flatten(2)
    made = torch.bmm(weights, flat) if conv.bias is None else torch.baddbmm(conv.bias[:, None], weights, flat)
    return made.unflatten(2, x.shape[2:])


def _is_linear(conv: nn.Module) -> bool:
    """Whether a layer is a 1 x 1 convolution that only mixes channels."""
    return (
        type(conv) is nn.Conv2d
        and conv.kernel_size == conv.stride == (1, 1)
        and conv.groups == 1
        and conv.padding in ((0, 0), "valid", "same")
    )
