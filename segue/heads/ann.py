"""Asymmetric non-local networks (Zhu et al. 2019, arXiv:1908.07678).

A non-local block whose keys and values are pooled to a few grids (APNB, section 3.3), and one whose queries come from
a deeper map than its keys and values (AFNB, section 3.4).

Deviation from the reference: with a query scale above 1, the result is resized to the features it is joined to; there
the shapes do not fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.layers.conv import ConvModule
from segue.layers.decode_head import DecodeHead, HeadOptions
from segue.layers.norm import Norm
from segue.layers.pixel_attention import attend
from segue.layers.resize import resize
from segue.types import Activation


class PooledAttention(nn.Module):
    """Attention to grids of keys and values, pooled from the feature map as in a spatial pyramid.

    Args:
        query_channels, key_channels: of the two inputs.
        channels: width of queries, keys and values.
        out_channels: of the output.
        share_key_query: use one projection for both.
        query_scale: max-pool the queries by this.
        key_pool_scales: sides of the grids.
        norm, act: of the projections of queries and keys.
    """

    def __init__(
        self,
        query_channels: int,
        key_channels: int,
        channels: int,
        out_channels: int,
        *,
        share_key_query: bool,
        query_scale: int,
        key_pool_scales: Sequence[int],
        norm: Norm | None,
        act: Activation | None,
    ) -> None:
        super().__init__()
        self.key_project = ConvModule(key_channels, channels, 1, norm=norm, act=act)
        self.query_project = (
            self.key_project if share_key_query else ConvModule(query_channels, channels, 1, norm=norm, act=act)
        )
        self.value_project = nn.Conv2d(key_channels, channels, 1)
        self.out_project = nn.Conv2d(channels, out_channels, 1)
        nn.init.zeros_(self.out_project.weight)
        nn.init.zeros_(self.out_project.bias)  # type: ignore[arg-type]
        self.query_scale = query_scale
        self.key_pool_scales = tuple(key_pool_scales)

    def pool(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the cells of all grids, (B, C, sum of scale ** 2)."""
        return torch.cat([F.adaptive_avg_pool2d(x, scale).flatten(2) for scale in self.key_pool_scales], dim=2)

    def forward(self, query: Tensor, key: Tensor) -> Tensor:
        """Queries (B, query_channels, H, W) and keys (B, key_channels, H', W') to (B, out_channels, H, W)."""
        size = query.shape[-2:]
        query = self.query_project(query)
        if self.query_scale > 1:
            query = F.max_pool2d(query, self.query_scale)
        grids, values = self.pool(self.key_project(key)), self.pool(self.value_project(key))
        context = attend(query.flatten(2), grids, values, query.shape[1] ** -0.5)
        return resize(self.out_project(torch.unflatten(context, 2, query.shape[-2:])), size)


class AsymmetricBlock(nn.Module):
    """The context of one or more ``stages`` of attention, concatenated to the queries' features and reduced."""

    def __init__(self, stages: Sequence[nn.Module], channels: int, norm: Norm | None, act: Activation | None) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.bottleneck = ConvModule(2 * channels, channels, 1, norm=norm, act=act)

    def forward(self, query: Tensor, key: Tensor) -> Tensor:
        """Queries (B, channels, H, W) and keys (B, C', H', W') to (B, channels, H, W)."""
        context: Tensor = sum(stage(query, key) for stage in self.stages)
        return self.bottleneck(torch.cat([context, query], dim=1))


class ANNHead(DecodeHead):
    """AFNB on the last two feature maps, then APNB.

    Args:
        project_channels: width of queries, keys and values.
        query_scales: one stage of attention for each; its queries are max-pooled by it.
        key_pool_scales: sides of the grids that keys and values are pooled to.
    """

    def __init__(
        self,
        options: HeadOptions,
        *,
        project_channels: int,
        query_scales: Sequence[int] = (1,),
        key_pool_scales: Sequence[int] = (1, 3, 6, 8),
    ) -> None:
        super().__init__(replace(options, input_transform="multiple_select"))
        low, high = self.in_channels

        def stages(query_channels: int, key_channels: int, *, share: bool) -> list[nn.Module]:
            return [
                PooledAttention(
                    query_channels,
                    key_channels,
                    project_channels,
                    query_channels,
                    share_key_query=share,
                    query_scale=scale,
                    key_pool_scales=key_pool_scales,
                    norm=self.norm,
                    act=self.act,
                )
                for scale in query_scales
            ]

        self.fusion = AsymmetricBlock(stages(high, low, share=False), high, self.norm, None)
        self.bottleneck = ConvModule(high, self.channels, 3, padding=1, norm=self.norm, act=self.act)
        self.context = AsymmetricBlock(
            stages(self.channels, self.channels, share=True), self.channels, self.norm, self.act
        )

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        """Feature maps to what is classified: (B, channels, H', W')."""
        low, high = self.select_all(features)
        x = self.fusion(high, low)
        x = self.bottleneck(self.dropout(x) if self.dropout else x)
        return self.context(x, x)
