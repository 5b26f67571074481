"""Twins-PCPVT (Chu et al. 2021, arXiv:2104.13840): PVT's attention to a coarser grid, and positions from a convolution.

The conditional position encoding (arXiv:2102.10882) is a 3 x 3 convolution per channel after the first block of each
stage, so any image size will do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from torch import Tensor, nn

from segue.errors import InputError
from segue.layers.attention import SpatialReductionAttention
from segue.layers.drop_path import DropPath, drop_path_rates
from segue.layers.ffn import FFN
from segue.layers.initialize import initialize_transformer
from segue.layers.norm import LN, Norm
from segue.layers.patch_embed import PatchEmbed, to_map, to_tokens
from segue.types import Size


class PositionEncoding(nn.Module):
    """A 3 x 3 convolution per channel, added to the tokens."""

    def __init__(self, embed_dims: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(embed_dims, embed_dims, 3, padding=1, groups=embed_dims)

    def forward(self, x: Tensor, size: Size) -> Tensor:
        """Tokens (B, H * W, C) of a grid (H, W) to the same shape."""
        return x + to_tokens(self.proj(to_map(x, size)))


class Block(nn.Module):
    """Attention and MLP, each on normalized tokens and added to them; ``attn.attend(tokens, grid)`` is the former."""

    def __init__(
        self, attn: nn.Module, embed_dims: int, hidden: int, *, drop: float, drop_path: float, norm: Norm
    ) -> None:
        super().__init__()
        self.norm1 = norm(embed_dims)
        self.attn = attn
        self.norm2 = norm(embed_dims)
        self.ffn = FFN(embed_dims, hidden, drop=drop)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor, size: Size) -> Tensor:
        """Tokens (B, H * W, C) of a grid (H, W) to the same shape."""
        x = x + self.drop_path(self.attn.attend(self.norm1(x), size))  # type: ignore[operator]
        return x + self.drop_path(self.ffn(self.norm2(x)))


class PCPVT(nn.Module):
    """Twins with attention to a coarser grid in every block.

    Args:
        in_channels: channels of the image.
        embed_dims, depths, num_heads, mlp_ratios: per stage: width of the tokens, number of blocks, their heads, width
            of the MLPs over that of the tokens.
        patch_sizes, strides: of the convolution that begins each stage.
        sr_ratios: by how much coarser the grid is that each stage attends to.
        out_indices: stages whose output is returned.
        qkv_bias: whether the attention's projections have a bias.
        drop_rate, attn_drop_rate, drop_path_rate: dropout of outputs, of attention weights, of whole branches (the
            last grows linearly over the blocks).
        norm: of the blocks.
        norm_after_stage: normalize the output of each stage.

    Raises:
        InputError: arguments per stage that differ in length.
    """

    def __init__(
        self,
        *,
        in_channels: int = 3,
        embed_dims: Sequence[int] = (64, 128, 256, 512),
        patch_sizes: Sequence[int] = (4, 2, 2, 2),
        strides: Sequence[int] = (4, 2, 2, 2),
        num_heads: Sequence[int] = (1, 2, 4, 8),
        mlp_ratios: Sequence[float] = (4, 4, 4, 4),
        out_indices: Sequence[int] = (0, 1, 2, 3),
        qkv_bias: bool = False,
        drop_rate: float = 0.0,
        attn_drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        norm: Norm = LN,
        depths: Sequence[int] = (3, 4, 6, 3),
        sr_ratios: Sequence[int] = (8, 4, 2, 1),
        norm_after_stage: bool = False,
    ) -> None:
        super().__init__()
        for key, value in (
            ("embed_dims", embed_dims),
            ("num_heads", num_heads),
            ("mlp_ratios", mlp_ratios),
            ("sr_ratios", sr_ratios),
        ):
            if len(value) != len(depths):
                raise InputError(
                    f"{type(self).__name__}: {key} has {len(value)} values, and depths {len(depths)}; "
                    "give one per stage"
                )
        if len(depths) > min(len(patch_sizes), len(strides)) or max(out_indices) >= len(depths):
            raise InputError(
                f"{type(self).__name__}: {len(depths)} depths with {len(patch_sizes)} patch_sizes, "
                f"{len(strides)} strides and out_indices={tuple(out_indices)}"
            )
        self.out_indices = out_indices
        self.norm_after_stage = norm_after_stage
        rates = iter(drop_path_rates(drop_path_rate, sum(depths)))
        self.patch_embeds = nn.ModuleList()
        self.layers = nn.ModuleList()
        self.position_encodings = nn.ModuleList()
        if norm_after_stage:
            self.norm_list = nn.ModuleList()
        for i, width in enumerate(embed_dims):
            self.patch_embeds.append(
                PatchEmbed(
                    in_channels if i == 0 else embed_dims[i - 1], width, patch_sizes[i], stride=strides[i], norm=norm
                )
            )
            self.layers.append(
                nn.ModuleList(
                    Block(
                        SpatialReductionAttention(
                            width,
                            num_heads[i],
                            attn_drop=attn_drop_rate,
                            proj_drop=drop_rate,
                            bias=qkv_bias,
                            sr_ratio=sr_ratios[i],
                            norm=norm,
                        ),
                        width,
                        int(mlp_ratios[i] * width),
                        drop=drop_rate,
                        drop_path=next(rates),
                        norm=norm,
                    )
                    for _ in range(depths[i])
                )
            )
            self.position_encodings.append(PositionEncoding(width))
            if norm_after_stage:
                self.norm_list.append(norm(width))
        initialize_transformer(self)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Image (B, in_channels, H, W) to feature maps; with default strides at 1/4, 1/8, 1/16 and 1/32."""
        outputs = []
        for i, (embed, blocks) in enumerate(zip(self.patch_embeds, self.layers, strict=True)):
            x, size = embed(x)
            for j, block in enumerate(cast(nn.ModuleList, blocks)):
                x = block(x, size)
                if j == 0:
                    x = self.position_encodings[i](x, size)
            if self.norm_after_stage:
                x = self.norm_list[i](x)
            x = to_map(x, size)
            if i in self.out_indices:
                outputs.append(x)
        return outputs
