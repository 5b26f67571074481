"""Lite reduced atrous spatial pyramid pooling of MobileNetV3 (arXiv:1905.02244, section 6.4, figure 10).

Deviation: maps smaller than the 49 x 49 pooling window are pooled as a whole (the reference fails on them).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.errors import InputError
from segue.layers.activation import ACTIVATIONS
from segue.layers.conv import ConvModule
from segue.layers.decode_head import DecodeHead, HeadOptions
from segue.layers.portable import window_average
from segue.layers.resize import resize

POOL_WINDOW = 49
POOL_STRIDE = (16, 20)


class WindowMean(nn.Module):
    """The mean of large windows, or of the whole map where it is smaller than one."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C, H', W')."""
        if torch.compiler.is_exporting():
            return window_average(x, POOL_WINDOW, POOL_STRIDE)
        window = (min(POOL_WINDOW, x.shape[2]), min(POOL_WINDOW, x.shape[3]))
        return F.avg_pool2d(x, window, POOL_STRIDE)


class LRASPPHead(DecodeHead):
    """The coarsest map, weighted by its window means, then refined by the finer maps.

    Args:
        branch_channels: of the finer maps, finest first; one less than ``in_channels`` lists.

    Raises:
        InputError: not several feature maps, or another number of them.
    """

    def __init__(self, options: HeadOptions, *, branch_channels: Sequence[int] = (32, 64)) -> None:
        super().__init__(options)
        if options.input_transform != "multiple_select" or len(self.in_channels) != len(branch_channels) + 1:
            raise InputError(
                f"LRASPPHead: branch_channels={tuple(branch_channels)} with in_channels={self.in_channels}; it needs "
                'input_transform="multiple_select" and one feature map more than branches'
            )
        self.convs = nn.Sequential()
        self.conv_ups = nn.Sequential()
        for i, width in enumerate(branch_channels):
            self.convs.add_module(f"conv{i}", nn.Conv2d(self.in_channels[i], width, 1, bias=False))
            up = ConvModule(self.channels + width, self.channels, 1, norm=self.norm, act=self.act, bias=False)
            self.conv_ups.add_module(f"conv_up{i}", up)
        self.conv_up_input = nn.Conv2d(self.channels, self.channels, 1)
        deepest = self.in_channels[-1]
        self.aspp_conv = ConvModule(deepest, self.channels, 1, norm=self.norm, act=self.act, bias=False)
        self.image_pool = nn.Sequential(
            WindowMean(), ConvModule(deepest, self.channels, 1, act=ACTIVATIONS["Sigmoid"], bias=False)
        )

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        """Feature maps to what is classified: (B, channels, H', W'), of the finest map's size."""
        *finer, x = self.select_all(features)
        weight = resize(self.image_pool(x), x.shape[-2:], self.align_corners)
        x = self.conv_up_input(self.aspp_conv(x) * weight)
        for fine, conv, up in reversed(list(zip(finer, self.convs, self.conv_ups, strict=True))):
            x = resize(x, fine.shape[-2:], self.align_corners)
            x = up(torch.cat([x, conv(fine)], dim=1))
        return x
