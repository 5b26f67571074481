"""Atrous spatial pyramid pooling of DeepLabV3 (Chen et al. 2017, arXiv:1706.05587, section 3.3)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from segue.layers.conv import ConvModule
from segue.layers.decode_head import DecodeHead, HeadOptions
from segue.layers.resize import resize


class ASPPHead(DecodeHead):
    """Parallel dilated convolutions and the image's mean, concatenated and joined by a 3 x 3 convolution.

    Args:
        dilations: of each branch; 1 stands for a 1 x 1 convolution.
    """

    def __init__(self, options: HeadOptions, *, dilations: Sequence[int] = (1, 6, 12, 18)) -> None:
        super().__init__(options)
        self.image_pool = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), ConvModule(self.in_channels, self.channels, 1, norm=self.norm, act=self.act)
        )
        self.aspp_modules = nn.ModuleList(self.branch(dilation) for dilation in dilations)
        self.bottleneck = ConvModule(
            (len(dilations) + 1) * self.channels, self.channels, 3, padding=1, norm=self.norm, act=self.act
        )

    def branch(self, dilation: int) -> nn.Module:
        """One branch: (B, in_channels, H, W) to (B, channels, H, W)."""
        kernel, padding = (1, 0) if dilation == 1 else (3, dilation)
        return ConvModule(
            self.in_channels,
            self.channels,
            kernel,
            padding=padding,
            dilation=dilation,
            norm=self.norm,
            act=self.act,
        )

    def context(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, channels, H, W): all branches, joined."""
        mean = resize(self.image_pool(x), x.shape[-2:], self.align_corners)
        return self.bottleneck(torch.cat([mean, *(branch(x) for branch in self.aspp_modules)], dim=1))

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        """Feature maps to what is classified: (B, channels, H', W')."""
        return self.context(self.select(features))
