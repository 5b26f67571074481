"""The encoder block of ViT (Dosovitskiy et al. 2020, arXiv:2010.11929, equations 2 and 3)."""

from __future__ import annotations

from torch import Tensor, nn

from segue.layers.attention import MultiheadAttention
from segue.layers.drop_path import DropPath
from segue.layers.ffn import FFN, GELU
from segue.layers.norm import Norm
from segue.layers.recompute import recompute
from segue.types import Activation


class TransformerEncoderLayer(nn.Module):
    """Attention and MLP, each on normalized tokens and added to them.

    Args:
        embed_dims, num_heads: width of the tokens and number of heads.
        hidden: width inside the MLP, which has ``num_fcs`` linear layers.
        attn_drop, drop, drop_path: dropout of the attention weights, of outputs, of whole branches.
        qkv_bias: whether the projections of the attention have a bias.
        act, norm: of the MLP and of both branches.
        with_cp: recompute the block in the backward pass, to save memory.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        hidden: int,
        *,
        num_fcs: int = 2,
        attn_drop: float = 0.0,
        drop: float = 0.0,
        drop_path: float = 0.0,
        qkv_bias: bool = True,
        act: Activation = GELU,
        norm: Norm,
        with_cp: bool = False,
    ) -> None:
        super().__init__()
        self.with_cp = with_cp
        self.ln1 = norm(embed_dims)
        self.attn = MultiheadAttention(embed_dims, num_heads, attn_drop=attn_drop, proj_drop=drop, bias=qkv_bias)
        self.ln2 = norm(embed_dims)
        self.ffn = FFN(embed_dims, hidden, num_fcs=num_fcs, drop=drop, act=act)
        self.drop_path = DropPath(drop_path)

    def _forward(self, x: Tensor) -> Tensor:
        x = x + self.drop_path(self.attn(self.ln1(x)))
        return x + self.drop_path(self.ffn(self.ln2(x)))

    def forward(self, x: Tensor) -> Tensor:
        """Tokens (B, N, C) to the same shape."""
        if self.with_cp and x.requires_grad:
            return recompute(self._forward, x)
        return self._forward(x)
