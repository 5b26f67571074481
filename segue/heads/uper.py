"""UPerNet (Xiao et al. 2018, arXiv:1807.10221): a feature pyramid whose top is pooled over grids, all levels joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from segue.layers.conv import ConvModule
from segue.layers.decode_head import DecodeHead, HeadOptions
from segue.layers.pyramid_pooling import PyramidPooling
from segue.layers.resize import resize


class UPerHead(DecodeHead):
    """The semantic part of figure 4: pyramid pooling on the coarsest map, top-down sums, fusion at the finest size.

    Args:
        pool_scales: side of each pooling grid, in cells.
    """

    def __init__(self, options: HeadOptions, *, pool_scales: Sequence[int] = (1, 2, 3, 6)) -> None:
        super().__init__(replace(options, input_transform="multiple_select"))
        *finer, coarsest = self.in_channels
        self.psp_modules = PyramidPooling(pool_scales, coarsest, self.channels, self.norm, self.act, self.align_corners)
        self.bottleneck = self._conv(coarsest + len(pool_scales) * self.channels, 3)
        self.lateral_convs = nn.ModuleList(self._conv(width, 1) for width in finer)
        self.fpn_convs = nn.ModuleList(self._conv(self.channels, 3) for _ in finer)
        self.fpn_bottleneck = self._conv(len(self.in_channels) * self.channels, 3)

    def _conv(self, in_channels: int, kernel_size: int) -> ConvModule:
        return ConvModule(
            in_channels, self.channels, kernel_size, padding=kernel_size // 2, norm=self.norm, act=self.act
        )

    def pool(self, maps: Sequence[Tensor]) -> Tensor:
        """The coarsest map with its surroundings, (B, channels, H', W')."""
        return self.psp_modules.joined(maps[-1], self.bottleneck)

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        """Feature maps, finest first, to what is classified: (B, channels, H', W') at the finest map's size."""
        maps = self.select_all(features)
        finer = maps[:-1]
        laterals = [conv(x) for conv, x in zip(self.lateral_convs, finer, strict=True)]
        laterals.append(self.pool(maps))
        for i in range(len(laterals) - 1, 0, -1):
            size = laterals[i - 1].shape[-2:]
            laterals[i - 1] = laterals[i - 1] + resize(laterals[i], size, self.align_corners)
        levels = [conv(x) for conv, x in zip(self.fpn_convs, laterals, strict=False)]
        levels.append(laterals[-1])
        size = levels[0].shape[-2:]
        joined = torch.cat([resize(x, size, self.align_corners) for x in levels], dim=1)
        return self.fpn_bottleneck(joined)
