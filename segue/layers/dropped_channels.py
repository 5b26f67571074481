"""Dropout of whole channels before a 1 x 1 convolution, without a copy of what it is applied to."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segue.layers.watched import unnoticed


def convolve_dropped(x: Tensor, dropout: nn.Module | None, conv: nn.Module) -> Tensor:
    """``conv(dropout(x))``: (B, C, H, W) to (B, O, H, W).

    A channel that is dropped, or scaled because others are, meets one column of the weights only: weights (B, O, C) per
    image give the same as a copy of the map, which the gradient of the weights would keep. What is drawn is the same,
    results differ by rounding. Other layers, and any that would notice, are called as they are.
    """
    layers = [conv] if dropout is None else [dropout, conv]
    freely = type(dropout) is nn.Dropout2d and dropout.training and not dropout.inplace and unnoticed(x, layers)
    if not (freely and type(conv) is nn.Conv2d and _mixes_channels(conv) and x.ndim == 4 and x.is_contiguous()):
        for layer in layers:
            x = layer(x)
        return x
    kept: Tensor = layers[0](x.new_ones(*x.shape[:2], 1, 1))
    weights = conv.weight.flatten(1) * kept.flatten(1)[:, None]
    flat = x.flatten(2)
    made = torch.bmm(weights, flat) if conv.bias is None else torch.baddbmm(conv.bias[:, None], weights, flat)
    return torch.unflatten(made, 2, x.shape[2:])


def _mixes_channels(conv: nn.Conv2d) -> bool:
    """Whether a convolution mixes channels, each pixel's by themselves, and nothing else."""
    once = conv.kernel_size == conv.stride == (1, 1) and conv.padding in ((0, 0), "valid", "same")
    return once and conv.groups == 1
