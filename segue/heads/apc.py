"""Adaptive pyramid context, APCNet (He et al., CVPR 2019).

Regions of several sizes, weighted for each pixel by an affinity that is predicted from local and global features
(figure 2). https://openaccess.thecvf.com/content_CVPR_2019/papers/
He_Adaptive_Pyramid_Context_Network_for_Semantic_Segmentation_CVPR_2019_paper.pdf
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.layers.conv import ConvModule
from segue.layers.decode_head import DecodeHead, HeadOptions
from segue.layers.norm import Norm
from segue.types import Activation


class AdaptiveContext(nn.Module):
    """The adaptive context module for one size of region.

    Args:
        pool_scale: side of the grid of regions, in cells.
        fusion: convolve the result once more.
        in_channels: of the input.
        channels: of the output.
        norm, act: of the convolutions.
    """

    def __init__(
        self,
        pool_scale: int,
        fusion: bool,
        in_channels: int,
        channels: int,
        norm: Norm | None,
        act: Activation | None,
    ) -> None:
        super().__init__()
        self.pool_scale = pool_scale

        def conv(width: int) -> ConvModule:
            return ConvModule(width, channels, 1, norm=norm, act=act)

        self.pooled_redu_conv = conv(in_channels)
        self.input_redu_conv = conv(in_channels)
        self.global_info = conv(channels)
        self.gla = nn.Conv2d(channels, pool_scale**2, 1)
        self.residual_conv = conv(channels)
        self.fusion_conv = conv(channels) if fusion else None

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, channels, H, W)."""
        regions = self.pooled_redu_conv(F.adaptive_avg_pool2d(x, self.pool_scale)).flatten(2)  # (B, channels, cells)
        x = self.input_redu_conv(x)
        mean = self.global_info(F.adaptive_avg_pool2d(x, 1))
        affinity = self.gla(x + mean).sigmoid().flatten(2)  # (B, cells, H * W)
        context = self.residual_conv(torch.unflatten(regions @ affinity, 2, x.shape[-2:]))
        out = F.relu(context + x)
        return self.fusion_conv(out) if self.fusion_conv else out


class APCHead(DecodeHead):
    """Adaptive contexts of several sizes, concatenated to the input.

    Args:
        pool_scales: side of each grid of regions, in cells.
        fusion: convolve each context once more.
    """

    def __init__(self, options: HeadOptions, *, pool_scales: Sequence[int] = (1, 2, 3, 6), fusion: bool = True) -> None:
        super().__init__(options)
        self.acm_modules = nn.ModuleList(
            AdaptiveContext(scale, fusion, self.in_channels, self.channels, self.norm, self.act)
            for scale in pool_scales
        )
        width = self.in_channels + len(pool_scales) * self.channels
        self.bottleneck = ConvModule(width, self.channels, 3, padding=1, norm=self.norm, act=self.act)

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        """Feature maps to what is classified: (B, channels, H', W')."""
        x = self.select(features)
        return self.bottleneck(torch.cat([x, *(module(x) for module in self.acm_modules)], dim=1))
