"""SegFormer's head (Xie et al. 2021, arXiv:2105.15203): all maps to one width and size, concatenated and mixed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.layers.conv import ConvModule
from segue.layers.decode_head import DecodeHead, HeadOptions
from segue.layers.quick import is_bare
from segue.layers.resize import resize


class SegformerHead(DecodeHead):
    """The all-MLP decoder (section 3.2, equation 4); its MLPs are 1 x 1 convolutions.

    Args:
        interpolate_mode: how the coarser maps are brought to the size of the first.
    """

    def __init__(
        self, options: HeadOptions, *, interpolate_mode: Literal["nearest", "bilinear", "bicubic"] = "bilinear"
    ) -> None:
        super().__init__(replace(options, input_transform="multiple_select"))
        self.interpolate_mode = interpolate_mode
        self.convs = nn.ModuleList(
            ConvModule(width, self.channels, 1, norm=self.norm, act=self.act) for width in self.in_channels
        )
        self.fusion_conv = ConvModule(len(self.in_channels) * self.channels, self.channels, 1, norm=self.norm)

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        """Feature maps to what is classified, (B, channels, H', W') at the size of the first."""
        maps = [conv(x) for conv, x in zip(self.convs, self.select_all(features), strict=True)]
        if self.training and torch.is_grad_enabled() and is_bare(self.fusion_conv):
            return self.fusion_conv.finish(self._mixed(maps))
        return self.fusion_conv(torch.cat([self._resized(x, maps[0].shape[-2:]) for x in maps], dim=1))

    def _resized(self, x: Tensor, size: Sequence[int]) -> Tensor:
        return resize(x, size, self.align_corners, self.interpolate_mode)

    def _mixed(self, maps: Sequence[Tensor]) -> Tensor:
        """What the last convolution makes of the concatenated maps, without a map of all their channels.

        A convolution of a concatenation is the sum of convolutions; a 1 x 1 convolution and a resize, both linear, one
        along the channels and one along the pixels, may change places. So each map is mixed at its own size.
        """
        conv = self.fusion_conv.conv
        first, *others = torch.split(conv.weight, self.channels, dim=1)
        mixed = F.conv2d(maps[0], first, conv.bias)
        for x, weight in zip(maps[1:], others, strict=True):
            mixed = mixed + self._resized(F.conv2d(x, weight), mixed.shape[-2:])
        return mixed
