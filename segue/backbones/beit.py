"""BEiT (Bao et al. 2021, arXiv:2106.08254): ViT with learned biases per relative position in every block.

Deviation: images of any size are taken, by resizing the table of biases; the reference takes ``img_size`` only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from segue.errors import InputError
from segue.layers.attention import QKVAttention
from segue.layers.drop_path import DropPath, drop_path_rates
from segue.layers.ffn import FFN, GELU
from segue.layers.initialize import initialize_plain_transformer
from segue.layers.norm import LN, Norm
from segue.layers.patch_embed import PatchEmbed, to_map
from segue.layers.position import before_loading, fit_bias_table, relative_position_index, resize_bias_table
from segue.layers.resize import same_size
from segue.types import Activation, Size


class RelativeAttention(QKVAttention):
    """Attention of class token and patches, with a learned bias per relative position.

    Args:
        embed_dims, num_heads, attn_drop: as in ``QKVAttention``.
        grid: of the patches that the biases are made for.
        qv_bias: queries and values have a bias, keys have none. None: all three have.
    """

    relative_position_index: Tensor

    def __init__(
        self, embed_dims: int, num_heads: int, grid: Size, *, qv_bias: bool | None = True, attn_drop: float = 0.0
    ) -> None:
        super().__init__(embed_dims, num_heads, qkv_bias=qv_bias is None, attn_drop=attn_drop)
        self.grid = grid
        if qv_bias:
            self.q_bias = nn.Parameter(torch.zeros(embed_dims))
            self.v_bias = nn.Parameter(torch.zeros(embed_dims))
        self.qv_bias = qv_bias
        rows = (2 * grid[0] - 1) * (2 * grid[1] - 1) + 3
        self.relative_position_bias_table = nn.Parameter(torch.zeros(rows, num_heads))
        self.register_buffer("relative_position_index", relative_position_index(grid, class_token=True))
        before_loading(self, _fit)

    def bias(self, size: Size) -> Tensor:
        """(1, num_heads, 1 + H * W, 1 + H * W) for a grid (H, W), to be added to the products of queries and keys."""
        table: Tensor = self.relative_position_bias_table
        index = self.relative_position_index
        if not same_size(size, self.grid):
            table = resize_bias_table(table, self.grid, size)
            index = relative_position_index(size, class_token=True).to(index.device)
        return table[index].permute(2, 0, 1).unsqueeze(0)

    def attend(self, x: Tensor, size: Size) -> Tensor:
        """Class token and patches (B, 1 + H * W, C) of a grid (H, W) to the same shape."""
        qkv = self.qkv(x)
        if self.qv_bias:
            qkv = qkv + torch.cat([self.q_bias, torch.zeros_like(self.q_bias), self.v_bias])
        return self.attend_projected(qkv, self.bias(size))


class BEiTBlock(nn.Module):
    """Attention and MLP on normalized tokens, scaled per channel and added to them."""

    def __init__(
        self,
        attention: RelativeAttention,
        embed_dims: int,
        hidden: int,
        *,
        num_fcs: int,
        drop_path: float,
        init_values: float,
        act: Activation,
        norm: Norm,
    ) -> None:
        super().__init__()
        self.gamma_1 = nn.Parameter(init_values * torch.ones(embed_dims))
        self.gamma_2 = nn.Parameter(init_values * torch.ones(embed_dims))
        self.ln1 = norm(embed_dims)
        self.attn = attention
        self.ln2 = norm(embed_dims)
        self.ffn = FFN(embed_dims, hidden, num_fcs=num_fcs, act=act)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor, size: Size) -> Tensor:
        """Class token and patches (B, 1 + H * W, C) of a grid (H, W) to the same shape."""
        x = x + self.drop_path(self.gamma_1 * self.attn.attend(self.ln1(x), size))
        return x + self.drop_path(self.gamma_2 * self.ffn(self.ln2(x)))


class BEiT(nn.Module):
    """BEiT that returns the feature maps after some of its blocks, all at 1 / ``patch_size``.

    Args:
        img_size: pixels that the relative positions are made for: one number, or (H, W). Other sizes are taken.
        patch_size: side of a patch, in pixels.
        in_channels: channels of the image.
        embed_dims, num_layers, num_heads, mlp_ratio, num_fcs: width of the tokens; number of blocks; their heads;
            width of the MLP over that of the tokens, and its linear layers.
        out_indices: blocks whose output is returned; -1: the last.
        qv_bias: whether queries and values have a bias.
        attn_drop_rate, drop_path_rate: dropout of attention weights, and of whole branches (grows linearly over the
            blocks).
        norm, act: of the blocks.
        patch_norm, final_norm: normalize the embedded patches; the output of the last block.
        norm_eval: keep the norms in evaluation mode.
        init_values: what the scales of the branches start from.

    Raises:
        InputError: heads that do not divide the width; a bias taken from a class that needs it.
    """

    #: Whether queries, keys and values all have a bias, which ``qv_bias`` then cannot take away.
    qkv_bias: ClassVar[bool] = False

    def __init__(
        self,
        img_size: int | Sequence[int] = 224,
        *,
        patch_size: int = 16,
        in_channels: int = 3,
        embed_dims: int = 768,
        num_layers: int = 12,
        num_heads: int = 12,
        mlp_ratio: float = 4,
        out_indices: int | Sequence[int] = -1,
        qv_bias: bool = True,
        attn_drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        norm: Norm = LN,
        act: Activation = GELU,
        patch_norm: bool = False,
        final_norm: bool = False,
        num_fcs: int = 2,
        norm_eval: bool = False,
        init_values: float = 0.1,
    ) -> None:
        super().__init__()
        if self.qkv_bias and not qv_bias:
            raise InputError(f"{type(self).__name__}: queries, keys and values all have a bias; leave out qv_bias")
        if embed_dims % num_heads:
            raise InputError(f"{type(self).__name__}: num_heads={num_heads} must divide embed_dims={embed_dims}")
        height, width = (img_size, img_size) if isinstance(img_size, int) else img_size
        self.grid: Size = (height // patch_size, width // patch_size)
        self.out_indices = [i % num_layers for i in ([out_indices] if isinstance(out_indices, int) else out_indices)]
        self.norm_eval = norm_eval
        self.patch_embed = PatchEmbed(in_channels, embed_dims, patch_size, norm=norm if patch_norm else None)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, embed_dims))
        bias = None if self.qkv_bias else qv_bias
        self.layers = nn.ModuleList(
            BEiTBlock(
                RelativeAttention(embed_dims, num_heads, self.grid, qv_bias=bias, attn_drop=attn_drop_rate),
                embed_dims,
                int(mlp_ratio * embed_dims),
                num_fcs=num_fcs,
                drop_path=rate,
                init_values=init_values,
                act=act,
                norm=norm,
            )
            for rate in drop_path_rates(drop_path_rate, num_layers)
        )
        self.final_norm = final_norm
        if final_norm:
            self.ln1 = norm(embed_dims)
        nn.init.trunc_normal_(self.cls_token, std=0.02)
        initialize_plain_transformer(self)
        self.learn_positions(embed_dims)

    def learn_positions(self, width: int) -> None:
        """Make what `place` needs; here nothing."""

    def place(self, tokens: Tensor, size: Size) -> Tensor:
        """Tell class token and patches (B, 1 + H * W, C) where they are; here only the attention does."""
        return tokens

    def forward(self, x: Tensor) -> list[Tensor]:
        """Image (B, in_channels, H, W) to one (B, embed_dims, H / patch_size, W / patch_size) per output."""
        x, size = self.patch_embed(x)
        x = self.place(torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], dim=1), size)
        outputs = []
        for i, layer in enumerate(self.layers):
            x = layer(x, size)
            if self.final_norm and i == len(self.layers) - 1:
                x = self.ln1(x)
            if i in self.out_indices:
                outputs.append(to_map(x[:, 1:], size))
        return outputs

    def train(self, mode: bool = True) -> BEiT:
        """Set the mode; with ``norm_eval`` the norms stay in evaluation."""
        super().train(mode)
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, nn.LayerNorm):
                    module.eval()
        return self


def _fit(module: RelativeAttention, state: dict[str, Tensor], prefix: str, *_: Any) -> None:
    """Before weights are loaded: fit biases that were learned for images of another size."""
    fit_bias_table(state, f"{prefix}relative_position_bias_table", module.relative_position_bias_table, module.grid)
    index = state.get(f"{prefix}relative_position_index")
    if index is not None and index.shape != module.relative_position_index.shape:
        state[f"{prefix}relative_position_index"] = module.relative_position_index
