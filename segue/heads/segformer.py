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
from segue.layers.resize import same_size


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
        size = maps[0].shape[-2:]
        corners = None if self.interpolate_mode == "nearest" else self.align_corners
        resized = [
            x
            if same_size(x.shape[-2:], size)
            else F.interpolate(x, size=size, mode=self.interpolate_mode, align_corners=corners)
            for x in maps
        ]
        return self.fusion_conv(torch.cat(resized, dim=1))
