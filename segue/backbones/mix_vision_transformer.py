"""Mix transformer, MiT, of SegFormer (Xie et al. 2021, arXiv:2105.15203): overlapping patches, attention to a coarser
grid, and position from 3 x 3 convolutions in the MLPs, so that any image size will do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from torch import Tensor, nn

from segue.errors import InputError
from segue.layers.attention import SpatialReductionAttention
from segue.layers.drop_path import DropPath, drop_path_rates
from segue.layers.ffn import GELU
from segue.layers.initialize import initialize_transformer
from segue.layers.norm import LN_FINE, Norm
from segue.layers.patch_embed import PatchEmbed, to_map, to_tokens
from segue.layers.recompute import in_turn, recompute
from segue.types import Activation, Size


class MixFFN(nn.Module):
    """MLP with a 3 x 3 convolution per channel, which tells positions apart (section 3.1, equation 3)."""

    def __init__(self, embed_dims: int, hidden: int, drop: float, act: Activation) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(embed_dims, hidden, 1),
            nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden),
            act(),
            nn.Dropout(drop),
            nn.Conv2d(hidden, embed_dims, 1),
            nn.Dropout(drop),
        )

    def forward(self, x: Tensor, size: Size) -> Tensor:
        """Tokens (B, H * W, C) of a grid (H, W) to the same shape."""
        return to_tokens(in_turn(to_map(x, size), self.layers))


class MixBlock(nn.Module):
    """Efficient attention and MixFFN, each on normalized tokens and added to them."""

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        hidden: int,
        *,
        qkv_bias: bool,
        drop: float,
        attn_drop: float,
        drop_path: float,
        sr_ratio: int,
        act: Activation,
        norm: Norm,
        with_cp: bool,
    ) -> None:
        super().__init__()
        self.with_cp = with_cp
        self.norm1 = norm(embed_dims)
        self.attn = SpatialReductionAttention(
            embed_dims,
            num_heads,
            attn_drop=attn_drop,
            proj_drop=drop,
            bias=qkv_bias,
            sr_ratio=sr_ratio,
            norm=norm,
        )
        self.norm2 = norm(embed_dims)
        self.ffn = MixFFN(embed_dims, hidden, drop, act)
        self.drop_path = DropPath(drop_path)

    def _forward(self, x: Tensor, size: Size) -> Tensor:
        x = x + self.drop_path(self.attn.attend(self.norm1(x), size))
        return x + self.drop_path(self.ffn(self.norm2(x), size))

    def forward(self, x: Tensor, size: Size) -> Tensor:
        """Tokens (B, H * W, C) of a grid (H, W) to the same shape."""
        if self.with_cp and x.requires_grad:
            return recompute(self._forward, x, size)
        return self._forward(x, size)


class MixVisionTransformer(nn.Module):
    """MiT; the published B0 to B5 differ in ``embed_dims`` and ``num_layers``.

    Args:
        in_channels: channels of the image.
        embed_dims: width of the tokens per head; a stage has ``embed_dims * num_heads[i]``.
        num_stages, num_layers, num_heads: stages; their blocks; the heads of these.
        patch_sizes, strides: of the convolution that begins each stage.
        sr_ratios: by how much coarser the grid is that each stage attends to.
        out_indices: stages whose output is returned.
        mlp_ratio: width of the MLPs over that of the tokens.
        qkv_bias: whether the attention's projections have a bias.
        drop_rate, attn_drop_rate, drop_path_rate: dropout of outputs, of attention weights, of whole branches (the
            last grows linearly over the blocks).
        act, norm: of the blocks.
        with_cp: recompute blocks in the backward pass, to save memory.

    Raises:
        InputError: arguments per stage that do not fit ``num_stages``.
    """

    def __init__(
        self,
        *,
        in_channels: int = 3,
        embed_dims: int = 64,
        num_stages: int = 4,
        num_layers: Sequence[int] = (3, 4, 6, 3),
        num_heads: Sequence[int] = (1, 2, 4, 8),
        patch_sizes: Sequence[int] = (7, 3, 3, 3),
        strides: Sequence[int] = (4, 2, 2, 2),
        sr_ratios: Sequence[int] = (8, 4, 2, 1),
        out_indices: Sequence[int] = (0, 1, 2, 3),
        mlp_ratio: float = 4,
        qkv_bias: bool = True,
        drop_rate: float = 0.0,
        attn_drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        act: Activation = GELU,
        norm: Norm = LN_FINE,
        with_cp: bool = False,
    ) -> None:
        super().__init__()
        for key, value in (
            ("num_layers", num_layers),
            ("num_heads", num_heads),
            ("patch_sizes", patch_sizes),
            ("strides", strides),
            ("sr_ratios", sr_ratios),
        ):
            if len(value) != num_stages:
                raise InputError(
                    f"MixVisionTransformer: {key} has {len(value)} values; num_stages={num_stages} needs {num_stages}"
                )
        if max(out_indices) >= num_stages:
            raise InputError(f"MixVisionTransformer: out_indices={tuple(out_indices)} with num_stages={num_stages}")
        self.out_indices = out_indices
        rates = iter(drop_path_rates(drop_path_rate, sum(num_layers)))
        self.layers = nn.ModuleList()
        for i in range(num_stages):
            width = embed_dims * num_heads[i]
            embed = PatchEmbed(
                in_channels, width, patch_sizes[i], stride=strides[i], padding=patch_sizes[i] // 2, norm=norm
            )
            blocks = nn.ModuleList(
                MixBlock(
                    width,
                    num_heads[i],
                    int(mlp_ratio * width),
                    qkv_bias=qkv_bias,
                    drop=drop_rate,
                    attn_drop=attn_drop_rate,
                    drop_path=next(rates),
                    sr_ratio=sr_ratios[i],
                    act=act,
                    norm=norm,
                    with_cp=with_cp,
                )
                for _ in range(num_layers[i])
            )
            self.layers.append(nn.ModuleList([embed, blocks, norm(width)]))
            in_channels = width
        initialize_transformer(self)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Image (B, in_channels, H, W) to feature maps; with default strides at 1/4, 1/8, 1/16 and 1/32."""
        outputs = []
        for i, stage in enumerate(self.layers):
            embed, blocks, norm = cast(nn.ModuleList, stage)
            x, size = embed(x)
            for block in cast(nn.ModuleList, blocks):
                x = block(x, size)
            x = to_map(norm(x), size)
            if i in self.out_indices:
                outputs.append(x)
        return outputs
