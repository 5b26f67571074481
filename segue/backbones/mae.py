"""The encoder of masked autoencoders (He et al. 2021, arXiv:2111.06377), fine-tuned as BEiT: with relative positions.

Deviation: images of any size are taken, by resizing the embeddings and biases of positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from segue.backbones.beit import BEiT
from segue.layers.ffn import GELU
from segue.layers.norm import LN, Norm
from segue.layers.position import fit_position_embedding, resize_position_embedding
from segue.types import Activation, Size


class MAE(BEiT):
    """BEiT with absolute position embeddings, and a bias of queries, keys and values.

    Args:
        img_size, patch_size, in_channels, embed_dims, num_layers, num_heads, mlp_ratio, out_indices, attn_drop_rate,
        drop_path_rate, norm, act, patch_norm, final_norm, num_fcs, norm_eval, init_values: as in ``BEiT``.
    """

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
        super().__init__(
            img_size,
            patch_size=patch_size,
            in_channels=in_channels,
            embed_dims=embed_dims,
            num_layers=num_layers,
            num_heads=num_heads,
            mlp_ratio=mlp_ratio,
            out_indices=out_indices,
            qv_bias=None,
            attn_drop_rate=attn_drop_rate,
            drop_path_rate=drop_path_rate,
            norm=norm,
            act=act,
            patch_norm=patch_norm,
            final_norm=final_norm,
            num_fcs=num_fcs,
            norm_eval=norm_eval,
            init_values=init_values,
        )
        self.pos_embed = nn.Parameter(torch.zeros(1, self.grid[0] * self.grid[1] + 1, embed_dims))
        self.register_load_state_dict_pre_hook(_fit)

    def place(self, tokens: Tensor, size: Size) -> Tensor:
        """Add the position embeddings to class token and patches (B, 1 + H * W, C)."""
        return tokens + resize_position_embedding(self.pos_embed, self.grid, size)


def _fit(module: MAE, state: dict[str, Tensor], prefix: str, *_: Any) -> None:
    """Before weights are loaded: fit position embeddings that were learned for images of another size."""
    fit_position_embedding(state, f"{prefix}pos_embed", module.pos_embed, module.grid)
