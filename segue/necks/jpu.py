"""Joint pyramid upsampling of FastFCN (Wu et al. 2019, arXiv:1903.11816): a fine map with context, without dilation in
the backbone.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from segue.errors import InputError
from segue.layers.activation import RELU
from segue.layers.conv import ConvModule
from segue.layers.depthwise_separable import DepthwiseSeparableConvModule
from segue.layers.norm import BN, Norm
from segue.layers.resize import resize
from segue.types import Activation


class JPU(nn.Module):
    """Maps convolved, brought to the finest size, and convolved by several dilations (section 3.2, figure 4).

    Args:
        in_channels: of each map.
        mid_channels: width of each convolution.
        start_level, end_level: the maps used, ``end_level`` excluded; -1: to the last.
        dilations: of the parallel convolutions; their outputs are concatenated.
        align_corners: of the resizing.
        norm, act: of the convolutions.

    Raises:
        InputError: levels that do not fit the maps.
    """

    def __init__(
        self,
        in_channels: Sequence[int] = (512, 1024, 2048),
        mid_channels: int = 512,
        *,
        start_level: int = 0,
        end_level: int = -1,
        dilations: Sequence[int] = (1, 2, 4, 8),
        align_corners: bool = False,
        norm: Norm = BN,
        act: Activation = RELU,
    ) -> None:
        super().__init__()
        end = len(in_channels) if end_level == -1 else end_level
        if not 0 <= start_level < end <= len(in_channels):
            raise InputError(
                f"JPU: start_level={start_level} and end_level={end_level} with {len(in_channels)} in_channels"
            )
        self.in_channels = in_channels
        self.levels = range(start_level, end)
        self.align_corners = align_corners
        self.conv_layers = nn.ModuleList(
            nn.Sequential(ConvModule(in_channels[i], mid_channels, 3, padding=1, norm=norm, act=act))
            for i in self.levels
        )
        self.dilation_layers = nn.ModuleList(
            nn.Sequential(
                DepthwiseSeparableConvModule(
                    len(self.levels) * mid_channels,
                    mid_channels,
                    3,
                    padding=dilation,
                    dilation=dilation,
                    norm=norm,
                    act=act,
                    depthwise_act=nn.Identity,
                )
            )
            for dilation in dilations
        )

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Maps (B, in_channels[i], H_i, W_i) to the same, the last replaced by (B, len(dilations) * mid_channels, H, W)
        at the size of the first used.
        """
        if len(features) != len(self.in_channels):
            raise InputError(f"JPU: {len(features)} feature maps for {len(self.in_channels)} in_channels")
        convolved = [conv(features[i]) for conv, i in zip(self.conv_layers, self.levels, strict=True)]
        size = convolved[0].shape[-2:]
        joined = torch.cat([resize(x, size, self.align_corners) for x in convolved], dim=1)
        context = torch.cat([layer(joined) for layer in self.dilation_layers], dim=1)
        return [*(features[i] for i in self.levels[:-1]), context]
