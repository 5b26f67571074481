"""Swin transformer (Liu et al. 2021, arXiv:2103.14030): attention in windows that shift from block to block.

Deviation: absolute position embeddings are resized for images of other sizes than they were made for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.errors import InputError
from segue.layers.attention import QKVAttention
from segue.layers.drop_path import DropPath, drop_path_rates
from segue.layers.ffn import FFN, GELU
from segue.layers.initialize import zero
from segue.layers.norm import LN, Norm
from segue.layers.patch_embed import PatchEmbed, pad_to_windows, to_map
from segue.layers.position import before_loading, fit_bias_table, relative_position_index, resize_position_embedding
from segue.layers.recompute import recompute
from segue.layers.windows import from_windows, pad_to_multiple, to_windows
from segue.types import Activation, Size


class WindowAttention(QKVAttention):
    """Attention among the tokens of a window, with a learned bias per relative position (equation 4)."""

    relative_position_index: Tensor

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        window_size: int,
        *,
        qkv_bias: bool,
        qk_scale: float | None,
        attn_drop: float,
        proj_drop: float,
    ) -> None:
        super().__init__(
            embed_dims, num_heads, qkv_bias=qkv_bias, qk_scale=qk_scale, attn_drop=attn_drop, proj_drop=proj_drop
        )
        self.window = (window_size, window_size)
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window_size - 1) ** 2, num_heads))
        self.register_buffer("relative_position_index", relative_position_index(self.window))
        before_loading(self, _fit)

    def bias(self) -> Tensor:
        """(1, num_heads, N, N), to be added to the products of queries and keys."""
        return self.relative_position_bias_table[self.relative_position_index].permute(2, 0, 1).unsqueeze(0)


class ShiftedWindowAttention(nn.Module):
    """Window attention on a feature map, cyclically shifted by ``shift`` pixels (section 3.2, figure 4)."""

    def __init__(self, attention: WindowAttention, shift: int) -> None:
        super().__init__()
        self.w_msa = attention
        self.side = attention.window[0]
        self.shift = shift

    def forward(self, x: Tensor, size: Size) -> Tensor:
        """Tokens (B, H * W, C) of a grid (H, W) to the same shape."""
        x = pad_to_multiple(torch.unflatten(x, 1, size), self.side)
        b, h, w, _ = x.shape
        mask = self.w_msa.bias()
        if self.shift:
            x = x.roll((-self.shift, -self.shift), (1, 2))
            regions = self._regions(h, w, x)
            mask = (mask + regions).expand(b, -1, -1, -1, -1).flatten(0, 1) if b > 1 else mask + regions
        x = from_windows(self.w_msa(to_windows(x, self.side), mask), self.side, (h, w))
        if self.shift:
            x = x.roll((self.shift, self.shift), (1, 2))
        return x[:, : size[0], : size[1]].flatten(1, 2)

    def _regions(self, h: int, w: int, like: Tensor) -> Tensor:
        """-100 between tokens that only the cyclic shift made neighbors, else 0: (windows, 1, N, N)."""
        rows, columns = (
            (torch.arange(n, device=like.device) >= n - self.side).long()
            + (torch.arange(n, device=like.device) >= n - self.shift).long()
            for n in (h, w)
        )
        region = to_windows((3 * rows[:, None] + columns)[None, :, :, None], self.side).squeeze(2)
        differs = region[:, None, :, None] != region[:, None, None, :]
        return differs.to(like.dtype) * -100.0


class SwinBlock(nn.Module):
    """Attention and MLP, each on normalized tokens and added to them (equation 3)."""

    def __init__(
        self,
        attention: WindowAttention,
        *,
        embed_dims: int,
        hidden: int,
        shift: int,
        drop: float,
        drop_path: float,
        act: Activation,
        norm: Norm,
        with_cp: bool,
    ) -> None:
        super().__init__()
        self.with_cp = with_cp
        self.norm1 = norm(embed_dims)
        self.attn = ShiftedWindowAttention(attention, shift)
        self.norm2 = norm(embed_dims)
        self.ffn = FFN(embed_dims, hidden, drop=drop, act=act)
        self.drop_path = DropPath(drop_path)

    def _forward(self, x: Tensor, size: Size) -> Tensor:
        x = x + self.drop_path(self.attn(self.norm1(x), size))
        return x + self.drop_path(self.ffn(self.norm2(x)))

    def forward(self, x: Tensor, size: Size) -> Tensor:
        """Tokens (B, H * W, C) of a grid (H, W) to the same shape."""
        if self.with_cp and x.requires_grad:
            return recompute(self._forward, x, size)
        return self._forward(x, size)


class PatchMerging(nn.Module):
    """Squares of ``stride`` x ``stride`` tokens concatenated, normalized and projected (section 3.1)."""

    def __init__(self, in_channels: int, channels: int, stride: int, norm: Norm | None) -> None:
        super().__init__()
        self.stride = stride
        self.norm = norm(stride * stride * in_channels) if norm else None
        self.reduction = nn.Linear(stride * stride * in_channels, channels, bias=False)

    def forward(self, x: Tensor, size: Size) -> tuple[Tensor, Size]:
        """Tokens (B, H * W, in_channels) to (B, H / stride * W / stride, channels), and the new grid."""
        side = (self.stride, self.stride)
        grid = pad_to_windows(to_map(x, size), side, side)
        size = (grid.shape[2] // self.stride, grid.shape[3] // self.stride)
        # Unfolded, a token's channels are ordered (channel, row, column), as in published weights.
        x = F.pixel_unshuffle(grid, self.stride).flatten(2).transpose(1, 2)
        return self.reduction(self.norm(x) if self.norm else x), size


class SwinStage(nn.Module):
    """Blocks at one resolution, every second one shifted by half a window, then perhaps a merging."""

    def __init__(self, blocks: Sequence[SwinBlock], downsample: PatchMerging | None) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.downsample = downsample

    def forward(self, x: Tensor, size: Size) -> Tensor:
        """Tokens (B, H * W, C) of a grid (H, W) to the same shape; the merging is left to the caller."""
        for block in self.blocks:
            x = block(x, size)
        return x


class SwinTransformer(nn.Module):
    """Swin transformer of as many stages as ``depths`` has entries.

    Args:
        pretrain_img_size: pixels that absolute position embeddings are made for: one number, or (H, W).
        in_channels: channels of the image.
        embed_dims: width of the first stage; doubled by each next one.
        patch_size: side of a patch, in pixels; equals ``strides[0]``.
        window_size: side of a window, in tokens.
        mlp_ratio: width of the MLPs over that of the tokens.
        depths, num_heads: blocks, and their heads, per stage.
        strides: of each stage.
        out_indices: stages whose output is returned.
        qkv_bias, qk_scale: of the attention.
        patch_norm: normalize the embedded patches, and the merged ones between stages.
        drop_rate, attn_drop_rate, drop_path_rate: dropout of outputs, of attention weights, of whole branches (the
            last grows linearly over the blocks).
        use_abs_pos_embed: add absolute position embeddings as well.
        act, norm: of the blocks.
        with_cp: recompute blocks in the backward pass, to save memory.
        frozen_stages: the embedding (0) and this many stages are not trained; -1: everything is.

    Raises:
        InputError: arguments per stage that do not fit together.
    """

    def __init__(
        self,
        *,
        pretrain_img_size: int | Sequence[int] = 224,
        in_channels: int = 3,
        embed_dims: int = 96,
        patch_size: int = 4,
        window_size: int = 7,
        mlp_ratio: float = 4,
        depths: Sequence[int] = (2, 2, 6, 2),
        num_heads: Sequence[int] = (3, 6, 12, 24),
        strides: Sequence[int] = (4, 2, 2, 2),
        out_indices: Sequence[int] = (0, 1, 2, 3),
        qkv_bias: bool = True,
        qk_scale: float | None = None,
        patch_norm: bool = True,
        drop_rate: float = 0.0,
        attn_drop_rate: float = 0.0,
        drop_path_rate: float = 0.1,
        use_abs_pos_embed: bool = False,
        act: Activation = GELU,
        norm: Norm = LN,
        with_cp: bool = False,
        frozen_stages: int = -1,
    ) -> None:
        super().__init__()
        if len(num_heads) != len(depths) or len(strides) != len(depths) or max(out_indices) >= len(depths):
            raise InputError(
                f"SwinTransformer: depths={tuple(depths)}, num_heads={tuple(num_heads)} and strides={tuple(strides)} "
                f"must be of equal length, and out_indices={tuple(out_indices)} below it"
            )
        if strides[0] != patch_size:
            raise InputError(f"SwinTransformer: strides[0]={strides[0]} must equal patch_size={patch_size}")
        self.out_indices = out_indices
        self.frozen_stages = frozen_stages
        self.patch_embed = PatchEmbed(in_channels, embed_dims, patch_size, norm=norm if patch_norm else None)
        if not isinstance(pretrain_img_size, int) and len(pretrain_img_size) != 2:
            raise InputError(f"SwinTransformer: pretrain_img_size={pretrain_img_size!r}; one number, or two (H, W)")
        side = (pretrain_img_size,) * 2 if isinstance(pretrain_img_size, int) else pretrain_img_size
        self.grid: Size = (side[0] // patch_size, side[1] // patch_size)
        self.absolute_pos_embed: nn.Parameter | None = None
        if use_abs_pos_embed:
            self.absolute_pos_embed = nn.Parameter(torch.zeros(1, self.grid[0] * self.grid[1], embed_dims))
            nn.init.trunc_normal_(self.absolute_pos_embed, std=0.02)
        self.drop_after_pos = nn.Dropout(drop_rate)

        rates = iter(drop_path_rates(drop_path_rate, sum(depths)))
        self.stages = nn.ModuleList()
        for i, depth in enumerate(depths):
            width = embed_dims * 2**i
            blocks = [
                SwinBlock(
                    WindowAttention(
                        width,
                        num_heads[i],
                        window_size,
                        qkv_bias=qkv_bias,
                        qk_scale=qk_scale,
                        attn_drop=attn_drop_rate,
                        proj_drop=drop_rate,
                    ),
                    embed_dims=width,
                    hidden=int(mlp_ratio * width),
                    shift=window_size // 2 if j % 2 else 0,
                    drop=drop_rate,
                    drop_path=next(rates),
                    act=act,
                    norm=norm,
                    with_cp=with_cp,
                )
                for j in range(depth)
            ]
            last = i == len(depths) - 1
            merging = None if last else PatchMerging(width, 2 * width, strides[i + 1], norm if patch_norm else None)
            self.stages.append(SwinStage(blocks, merging))
            if i in out_indices:
                self.add_module(f"norm{i}", norm(width))
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                zero(module.bias)
        self._freeze()

    def forward(self, x: Tensor) -> list[Tensor]:
        """Image (B, in_channels, H, W) to feature maps; with default strides at 1/4, 1/8, 1/16 and 1/32."""
        x, size = self.patch_embed(x)
        if self.absolute_pos_embed is not None:
            x = x + resize_position_embedding(self.absolute_pos_embed, self.grid, size)
        x = self.drop_after_pos(x)
        outputs = []
        for i, stage in enumerate(self.stages):
            x = stage(x, size)
            if i in self.out_indices:
                outputs.append(to_map(getattr(self, f"norm{i}")(x), size))
            if stage.downsample is not None:
                x, size = cast(PatchMerging, stage.downsample)(x, size)
        return outputs

    def train(self, mode: bool = True) -> SwinTransformer:
        """Set the mode; frozen stages stay in evaluation."""
        super().train(mode)
        self._freeze()
        return self

    def _freeze(self) -> None:
        if self.frozen_stages < 0:
            return
        if self.absolute_pos_embed is not None:
            self.absolute_pos_embed.requires_grad = False
        names = [f"norm{i}" for i in self.out_indices if i < self.frozen_stages]
        modules = [self.patch_embed, self.drop_after_pos, *list(self.stages)[: self.frozen_stages]]
        for module in [*modules, *(getattr(self, name) for name in names)]:
            module.eval().requires_grad_(False)


def _fit(module: WindowAttention, state: dict[str, Tensor], prefix: str, *_: Any) -> None:
    """Before weights are loaded: fit biases that were learned for windows of another size."""
    fit_bias_table(state, f"{prefix}relative_position_bias_table", module.relative_position_bias_table, module.window)
    index = state.get(f"{prefix}relative_position_index")
    if index is not None and index.shape != module.relative_position_index.shape:
        state[f"{prefix}relative_position_index"] = module.relative_position_index
