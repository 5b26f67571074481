"""Multi-head attention (Vaswani et al. 2017, arXiv:1706.03762, section 3.2), and its variant on a coarser grid."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.layers.norm import Norm
from segue.layers.patch_embed import to_map, to_tokens
from segue.types import Size


class Projections(nn.Module):
    """The parameters of ``nn.MultiheadAttention``, by its names, with scaled dot-product attention between them.

    Unlike that class it takes the same path in training, evaluation and export.
    """

    def __init__(self, embed_dims: int, num_heads: int, *, dropout: float = 0.0, bias: bool = True) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.dropout = dropout
        self.in_proj_weight = nn.Parameter(torch.empty(3 * embed_dims, embed_dims))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * embed_dims)) if bias else None
        self.out_proj = nn.Linear(embed_dims, embed_dims, bias=bias)
        nn.init.xavier_uniform_(self.in_proj_weight)
        if bias:
            nn.init.zeros_(self.out_proj.bias)

    def forward(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
        """Query (B, N, C), key and value (B, M, C) to (B, N, C)."""
        if query is key and key is value:
            q, k, v = F.linear(query, self.in_proj_weight, self.in_proj_bias).chunk(3, dim=-1)
        else:
            weights = self.in_proj_weight.chunk(3)
            biases = (None,) * 3 if self.in_proj_bias is None else self.in_proj_bias.chunk(3)
            q, k, v = (F.linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases, strict=True))
        q, k, v = (split_heads(x, self.num_heads) for x in (q, k, v))
        x = F.scaled_dot_product_attention(q, k, v, mask, dropout_p=self.dropout if self.training else 0.0)
        return self.out_proj(join_heads(x))


class MultiheadAttention(nn.Module):
    """Attention of ``num_heads`` heads and dropout; its parameters are below ``attn``, as in published checkpoints.

    Args:
        embed_dims: width of the tokens.
        num_heads: number of heads; divides ``embed_dims``.
        attn_drop, proj_drop: dropout of the attention weights and of the output.
        bias: of all projections.
    """

    def __init__(
        self, embed_dims: int, num_heads: int, *, attn_drop: float = 0.0, proj_drop: float = 0.0, bias: bool = True
    ) -> None:
        super().__init__()
        self.attn = Projections(embed_dims, num_heads, dropout=attn_drop, bias=bias)
        self.proj_drop = nn.Dropout(proj_drop)

    def forward(
        self, query: Tensor, key: Tensor | None = None, value: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """Query (B, N, C) to (B, N, C); attends to itself unless ``key`` (and ``value``, else the key) (B, M, C) are
        given. ``mask`` broadcasts to (B, num_heads, N, M): False where not to attend, or a number to add.
        """
        key = query if key is None else key
        return self.proj_drop(self.attn(query, key, key if value is None else value, mask))


class SpatialReductionAttention(MultiheadAttention):
    """Every position attends to a grid that is coarser by ``sr_ratio`` (PVT, arXiv:2102.12122, section 3.3).

    Args:
        embed_dims, num_heads, attn_drop, proj_drop, bias: as above.
        sr_ratio: side of the squares that a strided convolution joins to one key; 1: none.
        norm: of the keys.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        *,
        attn_drop: float = 0.0,
        proj_drop: float = 0.0,
        bias: bool = True,
        sr_ratio: int = 1,
        norm: Norm,
    ) -> None:
        super().__init__(embed_dims, num_heads, attn_drop=attn_drop, proj_drop=proj_drop, bias=bias)
        self.sr_ratio = sr_ratio
        if sr_ratio > 1:
            self.sr = nn.Conv2d(embed_dims, embed_dims, sr_ratio, stride=sr_ratio)
            self.norm = norm(embed_dims)

    def attend(self, x: Tensor, size: Size) -> Tensor:
        """Tokens (B, H * W, C) of a grid (H, W) to the same shape."""
        if self.sr_ratio == 1:
            return self(x)
        return self(x, self.norm(to_tokens(self.sr(to_map(x, size)))))


class QKVAttention(nn.Module):
    """Self-attention with one linear layer ``qkv`` for queries, keys and values.

    Args:
        embed_dims, num_heads: width of the tokens and number of heads.
        qkv_bias: whether ``qkv`` has a bias.
        qk_scale: factor of the products of queries and keys; default (embed_dims / num_heads) ** -0.5.
        attn_drop, proj_drop: dropout of the attention weights and of the output.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        *,
        qkv_bias: bool = True,
        qk_scale: float | None = None,
        attn_drop: float = 0.0,
        proj_drop: float = 0.0,
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qk_scale = qk_scale
        self.attn_drop = attn_drop
        self.qkv = nn.Linear(embed_dims, 3 * embed_dims, bias=qkv_bias)
        self.proj = nn.Linear(embed_dims, embed_dims)
        self.proj_drop = nn.Dropout(proj_drop)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Tokens (B, N, C) to the same shape; ``mask`` broadcasts to (B, num_heads, N, N), as above."""
        return self.attend_projected(self.qkv(x), mask)

    def attend_projected(self, qkv: Tensor, mask: Tensor | None = None) -> Tensor:
        """Projected tokens (B, N, 3 * C) to (B, N, C)."""
        q, k, v = (split_heads(x, self.num_heads) for x in qkv.chunk(3, dim=-1))
        dropout = self.attn_drop if self.training else 0.0
        x = F.scaled_dot_product_attention(q, k, v, mask, dropout_p=dropout, scale=self.qk_scale)
        return self.proj_drop(self.proj(join_heads(x)))


def split_heads(x: Tensor, num_heads: int) -> Tensor:
    """(B, N, C) to (B, num_heads, N, C / num_heads)."""
    return torch.unflatten(x, -1, (num_heads, -1)).transpose(-2, -3)


def join_heads(x: Tensor) -> Tensor:
    """(B, num_heads, N, D) to (B, N, num_heads * D)."""
    return x.transpose(-2, -3).flatten(-2)
