"""Interlaced sparse self-attention, ISANet (Huang et al. 2019, arXiv:1907.12273).

Attention between all positions, factored in two: first between positions that are far apart (one of each block), then
within blocks (section 3.2, figure 2).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.layers.conv import ConvModule
from segue.layers.decode_head import DecodeHead, HeadOptions
from segue.layers.norm import Norm
from segue.layers.pixel_attention import attend
from segue.layers.portable import missing
from segue.types import Activation


class SelfAttention(nn.Module):
    """Attention of every position to every other of a map.

    Args:
        in_channels: of input and output.
        channels: of queries and keys.
        norm, act: of the convolutions.
    """

    def __init__(self, in_channels: int, channels: int, norm: Norm | None, act: Activation | None) -> None:
        super().__init__()

        def project() -> nn.Sequential:
            widths = ((in_channels, channels), (channels, channels))
            return nn.Sequential(*(ConvModule(c_in, c_out, 1, norm=norm, act=act) for c_in, c_out in widths))

        self.key_project = project()
        self.query_project = project()
        self.value_project = nn.Conv2d(in_channels, in_channels, 1)
        self.output_project = ConvModule(in_channels, in_channels, 1, norm=norm, act=act)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        query, key, value = (
            project(x).flatten(2) for project in (self.query_project, self.key_project, self.value_project)
        )
        return self.output_project(attend(query, key, value, query.shape[1] ** -0.5).view_as(x))


class ISAHead(DecodeHead):
    """Long-range attention, then short-range, concatenated to the input.

    Args:
        isa_channels: of queries and keys.
        down_factor: (H, W) of a block; maps are padded with zeros to multiples of it.
    """

    def __init__(self, options: HeadOptions, *, isa_channels: int, down_factor: Sequence[int] = (8, 8)) -> None:
        super().__init__(options)
        self.down_factor = (down_factor[0], down_factor[1])
        self.in_conv = ConvModule(self.in_channels, self.channels, 3, padding=1, norm=self.norm, act=self.act)
        self.global_relation = SelfAttention(self.channels, isa_channels, self.norm, self.act)
        self.local_relation = SelfAttention(self.channels, isa_channels, self.norm, self.act)
        self.out_conv = ConvModule(2 * self.channels, self.channels, 1, norm=self.norm, act=self.act)

    def interlaced(self, x: Tensor) -> Tensor:
        """Both attentions: (B, C, H, W) to the same shape; letters below are (P, Q) blocks of (I, J) positions."""
        b, c, h, w = x.shape
        i, j = self.down_factor
        rows, columns = missing(h, i), missing(w, j)
        p, q = (h + rows) // i, (w + columns) // j
        top, left = rows // 2, columns // 2
        x = F.pad(x, (left, columns - left, top, rows - top))
        blocks = x.view(b, c, p, i, q, j)
        far = self.global_relation(blocks.permute(0, 3, 5, 1, 2, 4).reshape(b * i * j, c, p, q))
        blocks = far.view(b, i, j, c, p, q)
        near = self.local_relation(blocks.permute(0, 4, 5, 3, 1, 2).reshape(b * p * q, c, i, j))
        x = near.view(b, p, q, c, i, j).permute(0, 3, 1, 4, 2, 5).reshape(b, c, p * i, q * j)
        return x[:, :, top : top + h, left : left + w]

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        """Feature maps to what is classified: (B, channels, H', W')."""
        x = self.in_conv(self.select(features))
        return self.out_conv(torch.cat([self.interlaced(x), x], dim=1))
