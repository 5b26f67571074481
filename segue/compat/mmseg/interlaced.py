"""Interlaced sparse self-attention with the arguments of mmseg, as a block of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.compat.mmcv.layers import ConvModule
from segue.compat.mmseg.contexts import SelfAttentionBlock as _Attention

BN: Mapping[str, Any] = {"type": "BN"}
RELU: Mapping[str, Any] = {"type": "ReLU"}


class SelfAttentionBlock(_Attention):
    """Attention of a map to itself, as ISAHead has it."""

    def __init__(self, in_channels: int, channels: int, conv_cfg: Any, norm_cfg: Any, act_cfg: Any) -> None:
        super().__init__(
            key_in_channels=in_channels,
            query_in_channels=in_channels,
            channels=channels,
            out_channels=in_channels,
            share_key_query=False,
            query_downsample=None,
            key_downsample=None,
            key_query_num_convs=2,
            value_out_num_convs=1,
            key_query_norm=True,
            value_out_norm=False,
            matmul_norm=True,
            with_out=False,
            conv_cfg=conv_cfg,
            norm_cfg=norm_cfg,
            act_cfg=act_cfg,
        )
        self.output_project = self.build_project(in_channels, in_channels, 1, True, conv_cfg, norm_cfg, act_cfg)

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """(B, in_channels, H, W) to the same."""
        return self.output_project(super().forward(x, x))


class ISALayer(nn.Module):
    """What ISAHead does between its input and its classifier: far attention, near attention, joined to the input."""

    def __init__(
        self,
        in_channels: int,
        channels: int,
        isa_channels: int = 256,
        down_factor: Sequence[int] = (8, 8),
        conv_cfg: Mapping[str, Any] | None = None,
        norm_cfg: Mapping[str, Any] | None = BN,
        act_cfg: Mapping[str, Any] | None = RELU,
    ) -> None:
        super().__init__()
        self.down_factor = down_factor
        layers: dict[str, Any] = {"conv_cfg": conv_cfg, "norm_cfg": norm_cfg, "act_cfg": act_cfg}
        self.in_conv = ConvModule(in_channels, channels, 3, padding=1, **layers)
        self.global_relation = SelfAttentionBlock(channels, isa_channels, **layers)
        self.local_relation = SelfAttentionBlock(channels, isa_channels, **layers)
        self.out_conv = ConvModule(channels * 2, channels, 1, **layers)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, channels, H, W)."""
        inner = self.in_conv(x)
        b, c, h, w = inner.shape
        i, j = self.down_factor
        p, q = -(-h // i), -(-w // j)
        top, left = (p * i - h) // 2, (q * j - w) // 2
        padded = F.pad(inner, (left, q * j - w - left, top, p * i - h - top))
        far = padded.view(b, c, p, i, q, j).permute(0, 3, 5, 1, 2, 4).reshape(-1, c, p, q)
        far = self.global_relation(far).view(b, i, j, c, p, q)
        near = self.local_relation(far.permute(0, 4, 5, 3, 1, 2).reshape(-1, c, i, j)).view(b, p, q, c, i, j)
        out = near.permute(0, 3, 1, 4, 2, 5).reshape(b, c, p * i, q * j)[:, :, top : top + h, left : left + w]
        return self.out_conv(torch.cat([out, inner], dim=1))
