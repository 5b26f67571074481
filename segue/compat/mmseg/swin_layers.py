"""Layers of Swin, with the arguments of mmseg."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from segue.compat.mmcv.layers import FFN, build_dropout, build_norm_layer
from segue.compat.mmengine.modules import BaseModule, ModuleList
from segue.layers.position import relative_position_index
from segue.layers.recompute import recompute
from segue.layers.windows import from_windows, pad_to_multiple, to_windows

GELU: Mapping[str, Any] = {"type": "GELU"}
LN: Mapping[str, Any] = {"type": "LN"}
NO_DROP_PATH: Mapping[str, Any] = {"type": "DropPath", "drop_prob": 0.0}


class WindowMSA(BaseModule):
    """Attention within windows, with a learned bias per relative position."""

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        window_size: Sequence[int],
        qkv_bias: bool = True,
        qk_scale: float | None = None,
        attn_drop_rate: float = 0.0,
        proj_drop_rate: float = 0.0,
        init_cfg: Any = None,
    ) -> None:
        super().__init__(init_cfg)
        self.embed_dims, self.window_size, self.num_heads = embed_dims, window_size, num_heads
        self.scale = qk_scale or (embed_dims // num_heads) ** -0.5
        height, width = window_size
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * height - 1) * (2 * width - 1), num_heads))
        self.register_buffer("relative_position_index", relative_position_index((height, width)))
        self.qkv = nn.Linear(embed_dims, embed_dims * 3, bias=qkv_bias)
        self.attn_drop, self.proj_drop = nn.Dropout(attn_drop_rate), nn.Dropout(proj_drop_rate)
        self.proj, self.softmax = nn.Linear(embed_dims, embed_dims), nn.Softmax(dim=-1)

    def init_weights(self) -> None:
        """The bias table starts near zero."""
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Windows (windows * B, N, C), and the mask (windows, N, N) to add, to the same."""
        b, n, c = x.shape
        query, key, value = self.qkv(x).view(b, n, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)
        index: Any = self.relative_position_index
        bias = self.relative_position_bias_table[index.flatten()].view(n, n, -1).permute(2, 0, 1)
        scores = query * self.scale @ key.transpose(-2, -1) + bias
        if mask is not None:
            count = mask.shape[0]
            scores = (scores.view(-1, count, self.num_heads, n, n) + mask[:, None]).flatten(0, 1)
        out = self.attn_drop(self.softmax(scores)) @ value
        return self.proj_drop(self.proj(out.transpose(1, 2).reshape(b, n, c)))


class ShiftWindowMSA(BaseModule):
    """Attention within windows of a map, which are shifted by ``shift_size``."""

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        window_size: int,
        shift_size: int = 0,
        qkv_bias: bool = True,
        qk_scale: float | None = None,
        attn_drop_rate: float = 0,
        proj_drop_rate: float = 0,
        dropout_layer: Mapping[str, Any] = NO_DROP_PATH,
        init_cfg: Any = None,
    ) -> None:
        super().__init__(init_cfg)
        if not 0 <= shift_size < window_size:
            raise AssertionError(f"shift_size={shift_size} must lie in 0..{window_size - 1}")
        self.window_size, self.shift_size = window_size, shift_size
        sides = (window_size, window_size)
        self.w_msa = WindowMSA(embed_dims, num_heads, sides, qkv_bias, qk_scale, attn_drop_rate, proj_drop_rate)
        self.drop = build_dropout(dropout_layer)

    def _mask(self, height: int, width: int, like: Tensor) -> Tensor:
        """-100 between places that are neighbors only because of the shift: (windows, N, N)."""
        region = torch.zeros(1, height, width, 1, device=like.device)
        cuts = (slice(0, -self.window_size), slice(-self.window_size, -self.shift_size), slice(-self.shift_size, None))
        for number, (rows, columns) in enumerate((a, b) for a in cuts for b in cuts):
            region[:, rows, columns] = number
        flat = to_windows(region, self.window_size).flatten(1)
        return (flat.unsqueeze(1) != flat.unsqueeze(2)).to(like.dtype) * -100.0

    def forward(self, query: Tensor, hw_shape: Sequence[int]) -> Tensor:
        """(B, H * W, C) to the same."""
        b, n, c = query.shape
        height, width = hw_shape
        if n != height * width:
            raise AssertionError(f"input feature has wrong size: {n} tokens are not {height} x {width}")
        x = pad_to_multiple(query.view(b, height, width, c), self.window_size)
        padded = (x.shape[1], x.shape[2])
        mask = None
        if self.shift_size:
            x = x.roll((-self.shift_size, -self.shift_size), dims=(1, 2))
            mask = self._mask(*padded, like=query)
        windows = self.w_msa(to_windows(x, self.window_size), mask)
        x = from_windows(windows, self.window_size, padded)
        if self.shift_size:
            x = x.roll((self.shift_size, self.shift_size), dims=(1, 2))
        return self.drop(x[:, :height, :width].reshape(b, n, c))


class SwinBlock(BaseModule):
    """Attention within windows and a feed-forward network."""

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        feedforward_channels: int,
        window_size: int = 7,
        shift: bool = False,
        qkv_bias: bool = True,
        qk_scale: float | None = None,
        drop_rate: float = 0.0,
        attn_drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        act_cfg: Mapping[str, Any] = GELU,
        norm_cfg: Mapping[str, Any] = LN,
        with_cp: bool = False,
        init_cfg: Any = None,
    ) -> None:
        super().__init__(init_cfg)
        self.with_cp = with_cp
        drop = {"type": "DropPath", "drop_prob": drop_path_rate}
        self.norm1 = build_norm_layer(norm_cfg, embed_dims)[1]
        self.attn = ShiftWindowMSA(
            embed_dims, num_heads, window_size, window_size // 2 if shift else 0, qkv_bias, qk_scale, attn_drop_rate,
            drop_rate, drop,
        )  # fmt: skip
        self.norm2 = build_norm_layer(norm_cfg, embed_dims)[1]
        self.ffn = FFN(embed_dims, feedforward_channels, 2, act_cfg, drop_rate, drop, add_identity=True)

    def _run(self, x: Tensor, hw_shape: Sequence[int]) -> Tensor:
        x = x + self.attn(self.norm1(x), hw_shape)
        return self.ffn(self.norm2(x), identity=x)

    def forward(self, x: Tensor, hw_shape: Sequence[int]) -> Tensor:
        """(B, H * W, embed_dims) to the same."""
        return recompute(self._run, x, hw_shape) if self.with_cp and x.requires_grad else self._run(x, hw_shape)


class SwinBlockSequence(BaseModule):
    """``depth`` blocks, every second one shifted; then ``downsample``."""

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        feedforward_channels: int,
        depth: int,
        window_size: int = 7,
        qkv_bias: bool = True,
        qk_scale: float | None = None,
        drop_rate: float = 0.0,
        attn_drop_rate: float = 0.0,
        drop_path_rate: float | Sequence[float] = 0.0,
        downsample: Any = None,
        act_cfg: Mapping[str, Any] = GELU,
        norm_cfg: Mapping[str, Any] = LN,
        with_cp: bool = False,
        init_cfg: Any = None,
    ) -> None:
        super().__init__(init_cfg)
        rates = [drop_path_rate] * depth if isinstance(drop_path_rate, (int, float)) else list(drop_path_rate)
        if len(rates) != depth:
            raise AssertionError(f"{len(rates)} values of drop_path_rate for depth={depth}")
        self.blocks = ModuleList(
            SwinBlock(
                embed_dims, num_heads, feedforward_channels, window_size, number % 2 == 1, qkv_bias, qk_scale,
                drop_rate, attn_drop_rate, rate, act_cfg, norm_cfg, with_cp,
            )
            for number, rate in enumerate(rates)
        )  # fmt: skip
        self.downsample = downsample

    def forward(self, x: Tensor, hw_shape: Sequence[int]) -> tuple[Tensor, Any, Tensor, Any]:
        """(B, H * W, C) to what follows, its (H, W), and the same two before ``downsample``."""
        for block in self.blocks:
            x = block(x, hw_shape)
        if self.downsample is None:
            return x, hw_shape, x, hw_shape
        down, size = self.downsample(x, hw_shape)
        return down, size, x, hw_shape
