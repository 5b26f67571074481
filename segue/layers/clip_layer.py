"""The transformer block of CLIP (Radford et al. 2021, arXiv:2103.00020) under the names of its text encoder."""

from __future__ import annotations

from torch import Tensor, nn

from segue.layers.attention import MultiheadAttention
from segue.layers.ffn import FFN
from segue.layers.norm import LN
from segue.types import Activation


class CLIPLayer(nn.Module):
    """Attention and MLP, each on normalized tokens and added to them.

    Args:
        embed_dims, num_heads: width of the tokens and number of heads.
        hidden: width inside the MLP, which has ``num_fcs`` linear layers.
        act: of the MLP.
        qkv_bias: whether the projections of the attention have a bias.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        hidden: int,
        *,
        act: Activation,
        num_fcs: int = 2,
        qkv_bias: bool = True,
    ) -> None:
        super().__init__()
        self.attentions = nn.ModuleList([MultiheadAttention(embed_dims, num_heads, bias=qkv_bias)])
        self.ffns = nn.ModuleList([FFN(embed_dims, hidden, num_fcs=num_fcs, act=act)])
        self.norms = nn.ModuleList(LN(embed_dims) for _ in range(2))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Tokens (B, N, C) to the same shape; ``mask`` is added to the products of queries and keys."""
        normed = self.norms[0](x)
        x = x + self.attentions[0](normed, mask=mask)
        branch: Tensor = self.ffns[0](self.norms[1](x))
        return x + branch
