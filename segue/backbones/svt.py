"""Twins-SVT (Chu et al. 2021, arXiv:2104.13840): attention in windows and attention to a coarser grid take turns.

Deviation: zeros that complete the last windows are never attended to; the reference attends to them where only one of
height and width needs them.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from segue.backbones.pcpvt import PCPVT
from segue.errors import InputError
from segue.layers.attention import QKVAttention
from segue.layers.initialize import initialize_transformer
from segue.layers.norm import LN, Norm
from segue.layers.resize import same_size
from segue.layers.windows import from_windows, pad_to_multiple, to_windows
from segue.types import Size


class LocallyGroupedAttention(QKVAttention):
    """Attention among the tokens of a window (section 3.2, equation 1)."""

    def __init__(
        self, embed_dims: int, num_heads: int, *, window_size: int, qkv_bias: bool, attn_drop: float, proj_drop: float
    ) -> None:
        super().__init__(embed_dims, num_heads, qkv_bias=qkv_bias, attn_drop=attn_drop, proj_drop=proj_drop)
        self.window_size = window_size

    def attend(self, x: Tensor, size: Size) -> Tensor:
        """Tokens (B, H * W, C) of a grid (H, W) to the same shape."""
        side = self.window_size
        x = pad_to_multiple(torch.unflatten(x, 1, size), side)
        b, h, w, _ = x.shape
        mask = None
        if not same_size((h, w), size):
            rows, columns = torch.arange(h, device=x.device) < size[0], torch.arange(w, device=x.device) < size[1]
            real = to_windows((rows[:, None] & columns)[None, :, :, None], side)  # (windows, N, 1)
            mask = real.transpose(1, 2).unsqueeze(1).repeat(b, 1, 1, 1)
        x = from_windows(self(to_windows(x, side), mask), side, (h, w))
        return x[:, : size[0], : size[1]].flatten(1, 2)


class SVT(PCPVT):
    """Twins whose even blocks attend in windows, and whose odd ones to a coarser grid.

    Args:
        windiow_sizes: side of the windows per stage, in tokens. (The name is spelled as in published configs.)
        in_channels, embed_dims, patch_sizes, strides, num_heads, mlp_ratios, out_indices, qkv_bias, drop_rate,
        attn_drop_rate, drop_path_rate, norm, depths, sr_ratios, norm_after_stage: as in ``PCPVT``.
    """

    def __init__(
        self,
        *,
        in_channels: int = 3,
        embed_dims: Sequence[int] = (64, 128, 256),
        patch_sizes: Sequence[int] = (4, 2, 2, 2),
        strides: Sequence[int] = (4, 2, 2, 2),
        num_heads: Sequence[int] = (1, 2, 4),
        mlp_ratios: Sequence[float] = (4, 4, 4),
        out_indices: Sequence[int] = (0, 1, 2),
        qkv_bias: bool = False,
        drop_rate: float = 0.0,
        attn_drop_rate: float = 0.0,
        drop_path_rate: float = 0.2,
        norm: Norm = LN,
        depths: Sequence[int] = (4, 4, 4),
        sr_ratios: Sequence[int] = (4, 2, 1),
        windiow_sizes: Sequence[int] = (7, 7, 7),
        norm_after_stage: bool = True,
    ) -> None:
        if len(windiow_sizes) != len(depths):
            raise InputError(f"SVT: windiow_sizes has {len(windiow_sizes)} values, and depths {len(depths)}")
        super().__init__(
            in_channels=in_channels,
            embed_dims=embed_dims,
            patch_sizes=patch_sizes,
            strides=strides,
            num_heads=num_heads,
            mlp_ratios=mlp_ratios,
            out_indices=out_indices,
            qkv_bias=qkv_bias,
            drop_rate=drop_rate,
            attn_drop_rate=attn_drop_rate,
            drop_path_rate=drop_path_rate,
            norm=norm,
            depths=depths,
            sr_ratios=sr_ratios,
            norm_after_stage=norm_after_stage,
        )
        for i, blocks in enumerate(self.layers):
            for block in list(blocks)[::2]:  # type: ignore[call-overload]
                block.attn = LocallyGroupedAttention(
                    embed_dims[i],
                    num_heads[i],
                    window_size=windiow_sizes[i],
                    qkv_bias=qkv_bias,
                    attn_drop=attn_drop_rate,
                    proj_drop=drop_rate,
                )
                initialize_transformer(block.attn)
