"""Semantic FPN (Kirillov et al. 2019, arXiv:1901.02446): pyramid maps brought to the finest size and summed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor, nn

from segue.errors import InputError
from segue.layers.conv import ConvModule
from segue.layers.decode_head import DecodeHead, HeadOptions
from segue.layers.resize import resize


class FPNHead(DecodeHead):
    """The semantic branch of figure 3: per map, convolutions that each double the size, and the sum of all.

    Args:
        feature_strides: of the maps, in pixels of the image, finest first.
    """

    def __init__(self, options: HeadOptions, *, feature_strides: Sequence[int]) -> None:
        super().__init__(replace(options, input_transform="multiple_select"))
        if min(feature_strides) != feature_strides[0] or len(feature_strides) != len(self.in_channels):
            raise InputError(
                f"FPNHead: feature_strides={tuple(feature_strides)} must be one per map of in_channels, finest first"
            )
        self.scale_heads = nn.ModuleList()
        for width, stride in zip(self.in_channels, feature_strides, strict=True):
            doublings = int(math.log2(stride) - math.log2(feature_strides[0]))
            layers: list[nn.Module] = []
            for i in range(max(1, doublings)):
                layers.append(
                    ConvModule(
                        width if i == 0 else self.channels,
                        self.channels,
                        3,
                        padding=1,
                        norm=self.norm,
                        act=self.act,
                    )
                )
                if doublings:
                    layers.append(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=self.align_corners))
            self.scale_heads.append(nn.Sequential(*layers))

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Feature maps to logits (B, out_channels, H', W') at the finest map's size."""
        maps = self.select_all(features)
        total = self.scale_heads[0](maps[0])
        for head, x in zip(list(self.scale_heads)[1:], maps[1:], strict=True):
            total = total + resize(head(x), total.shape[-2:], self.align_corners)
        return self.classify(total)
