"""Pyramid pooling (arXiv:1612.01105, section 3.2); PSPNet and UPerNet share it."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from segue.layers.conv import ConvModule
from segue.layers.norm import Norm
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
