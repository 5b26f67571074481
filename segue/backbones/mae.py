"""The encoder of masked autoencoders (He et al. 2021, arXiv:2111.06377), fine-tuned as BEiT: with relative positions.

Deviation: images of any size are taken, by resizing the embeddings and biases of positions.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from segue.backbones.beit import BEiT
from segue.layers.position import before_loading, fit_position_embedding, resize_position_embedding
from segue.types import Size


class MAE(BEiT):
    """BEiT with absolute position embeddings, and a bias of queries, keys and values.

    Takes the arguments of ``BEiT`` but ``qv_bias``.
    """

    qkv_bias = True

    def learn_positions(self, width: int) -> None:
        """Embeddings (1, 1 + H * W, width) of class token and patches, fitted to other sizes as weights are loaded."""
        self.pos_embed = nn.Parameter(torch.zeros(1, self.grid[0] * self.grid[1] + 1, width))
        before_loading(self, _fit)

    def place(self, tokens: Tensor, size: Size) -> Tensor:
        """Add the position embeddings to class token and patches (B, 1 + H * W, C)."""
        return tokens + resize_position_embedding(self.pos_embed, self.grid, size)


def _fit(module: MAE, state: dict[str, Tensor], prefix: str, *_: Any) -> None:
    """Before weights are loaded: fit position embeddings that were learned for images of another size."""
    fit_position_embedding(state, f"{prefix}pos_embed", module.pos_embed, module.grid)
