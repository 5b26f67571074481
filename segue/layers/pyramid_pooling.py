"""Pyramid pooling (arXiv:1612.01105, section 3.2); PSPNet and UPerNet share it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from segue.layers.cells import of_cells
from segue.layers.conv import ConvModule
from segue.layers.norm import Norm
from segue.layers.quick import folded
from segue.layers.resize import resize
from segue.types import Activation


class PyramidPooling(nn.ModuleList):
    """Average pooling to grids of several sizes, each followed by a 1 x 1 convolution and resized back.

    Args:
        pool_scales: side of each grid, in cells.
        in_channels: of the input.
        channels: of each output.
        norm, act: of the convolutions.
        align_corners: of the resizing.
    """

    def __init__(
        self,
        pool_scales: Sequence[int],
        in_channels: int,
        channels: int,
        norm: Norm | None,
        act: Activation | None,
        align_corners: bool,
    ) -> None:
        super().__init__(
            nn.Sequential(nn.AdaptiveAvgPool2d(scale), ConvModule(in_channels, channels, 1, norm=norm, act=act))
            for scale in pool_scales
        )
        self.align_corners = align_corners

    def forward(self, x: Tensor) -> list[Tensor]:
        """(B, in_channels, H, W) to one (B, channels, H, W) per grid."""
        return [resize(pool(x), x.shape[-2:], self.align_corners) for pool in self]

    def joined(self, x: Tensor, bottleneck: ConvModule) -> Tensor:
        """``bottleneck`` of (B, in_channels, H, W) and all of its pooled maps, concatenated.

        Convolving a map that was resized from a few cells is a product of three small matrices for each channel, so
        that prediction (`segue.layers.quick`) computes the convolution of ``x`` alone.
        """
        quick = folded(bottleneck)
        if (
            quick is None
            or quick.conv.dilation != (1, 1)
            or quick.conv.stride != (1, 1)
            or isinstance(quick.conv.padding, str)
        ):
            return bottleneck(torch.cat([x, *self(x)], dim=1))
        first, found = x.shape[1], quick.of_channels(x, 0)
        for pool in self:
            cells = pool(x)
            part = quick.weight[:, first : first + cells.shape[1]]
            found = found + of_cells(cells, part, x.shape[-2:], quick.conv.padding, self.align_corners)
            first += cells.shape[1]
        return bottleneck.finish(found)
