"""Pyramid scene parsing (Zhao et al. 2017, arXiv:1612.01105): context averaged over grids of several sizes."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from segue.layers.conv import ConvModule
from segue.layers.decode_head import DecodeHead, HeadOptions
from segue.layers.pyramid_pooling import PyramidPooling


class PSPHead(DecodeHead):
    """The pyramid pooling module (section 3.2, figure 3c), its outputs concatenated to the input.

    Args:
        pool_scales: side of each grid, in cells.
    """

    def __init__(self, options: HeadOptions, *, pool_scales: Sequence[int] = (1, 2, 3, 6)) -> None:
        super().__init__(options)
        self.psp_modules = PyramidPooling(
            pool_scales, self.in_channels, self.channels, self.norm, self.act, self.align_corners
        )
        self.bottleneck = ConvModule(
            self.in_channels + len(pool_scales) * self.channels,
            self.channels,
            3,
            padding=1,
            norm=self.norm,
            act=self.act,
        )

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        """Feature maps to what is classified: (B, channels, H', W')."""
        x = self.select(features)
        return self.psp_modules.joined(x, self.bottleneck)
