"""SETR's multi-level aggregation head (Zheng et al. 2020, arXiv:2012.15840, section 3.2); see ``MLANeck`` for the rest.

Each map is convolved and upsampled by itself, then all are concatenated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from segue.errors import InputError
from segue.layers.conv import ConvModule
from segue.layers.decode_head import DecodeHead, HeadOptions


class SETRMLAHead(DecodeHead):
    """Two 3 x 3 convolutions and bilinear upsampling per map.

    Args:
        mla_channels: width per map; ``channels`` must be this times the number of maps.
        up_scale: factor of the upsampling.
    """

    def __init__(self, options: HeadOptions, *, mla_channels: int = 128, up_scale: int = 4) -> None:
        super().__init__(replace(options, input_transform="multiple_select"))
        if self.channels != mla_channels * len(self.in_channels):
            raise InputError(
                f"SETRMLAHead: channels={self.channels} must be mla_channels={mla_channels} times "
                f"{len(self.in_channels)} maps"
            )
        self.up_convs = nn.ModuleList(
            nn.Sequential(
                ConvModule(width, mla_channels, 3, padding=1, norm=self.norm, act=self.act),
                ConvModule(mla_channels, mla_channels, 3, padding=1, norm=self.norm, act=self.act),
                nn.Upsample(scale_factor=up_scale, mode="bilinear", align_corners=self.align_corners),
            )
            for width in self.in_channels
        )

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        """Feature maps of one size to what is classified, (B, channels, H', W'), ``up_scale`` times that size."""
        maps = [up_conv(x) for up_conv, x in zip(self.up_convs, self.select_all(features), strict=True)]
        return torch.cat(maps, dim=1)
