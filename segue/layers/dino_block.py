"""The block of DINOv2 and DINOv3, with rotary positions where they have them; a backbone and a head are made of it.

The names of parameters are those of the authors' files.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.layers.drop_path import DropPath
from segue.layers.recompute import in_turn, recompute
from segue.types import Size

Mlp = Literal["mlp", "swiglu", "swiglufused", "swiglu32", "swiglu64", "swiglu128"]


class Rope(nn.Module):
    """Rotary positions of the centres of patches, each axis from -1 to 1 (DINOv3, section 3.2).

    Args:
        head_dim: channels of a head, a multiple of 4.
        base: of the periods.
        rescale: in training, coordinates are multiplied by exp(U(-ln rescale, ln rescale)); 1: they are not.
    """

    def __init__(self, head_dim: int, base: float, rescale: float) -> None:
        super().__init__()
        self.head_dim, self.base, self.rescale = head_dim, base, rescale

    def forward(self, size: Size, like: Tensor) -> tuple[Tensor, Tensor]:
        """Sine and cosine (h * w, head_dim) float32, for a grid of this size."""
        device = like.device
        steps = torch.arange(self.head_dim // 4, dtype=torch.float32, device=device)
        periods = self.base ** (4 * steps / self.head_dim)
        y, x = ((torch.arange(n, dtype=torch.float32, device=device) + 0.5) / n * 2 - 1 for n in size)
        places = torch.stack(torch.meshgrid(y, x, indexing="ij"), dim=-1).flatten(0, 1)
        if self.training and self.rescale > 1:
            limit = math.log(self.rescale)
            places = places * torch.empty(1, device=device).uniform_(-limit, limit).exp()
        angles = (2 * math.pi * places[:, :, None] / periods).flatten(1).repeat(1, 2)
        return angles.sin(), angles.cos()


def _rotate(x: Tensor, rope: tuple[Tensor, Tensor]) -> Tensor:
    """Turn the last h * w of the tokens (B, heads, N, head_dim); those before them have no place."""
    sin, cos = rope
    first = x.shape[2] - sin.shape[0]
    placed = x[:, :, first:].float()
    left, right = placed.chunk(2, dim=-1)
    turned = placed * cos + torch.cat([-right, left], dim=-1) * sin
    return torch.cat([x[:, :, :first], turned.to(x.dtype)], dim=2)


class Attention(nn.Module):
    """Self-attention; with ``mask_k_bias`` the bias of the keys counts as 0."""

    def __init__(self, dim: int, heads: int, *, qkv_bias: bool, proj_bias: bool, mask_k_bias: bool) -> None:
        super().__init__()
        self.heads = heads
        self.mask_k_bias = mask_k_bias and qkv_bias
        self.qkv = nn.Linear(dim, 3 * dim, bias=qkv_bias)
        self.proj = nn.Linear(dim, dim, bias=proj_bias)

    def forward(self, x: Tensor, rope: tuple[Tensor, Tensor] | None, mask: Tensor | None) -> Tensor:
        """(B, N, D) to the same; ``mask`` (B, 1 or heads, N, N) bool, True where a row may see a column."""
        bias: Tensor | None = self.qkv.bias
        if self.mask_k_bias and bias is not None:
            q, k, v = bias.chunk(3)
            bias = torch.cat([q, torch.zeros_like(k), v])
        split = torch.unflatten(F.linear(x, self.qkv.weight, bias), 2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        query, key, value = split.unbind(0)
        if rope is not None:
            query, key = _rotate(query, rope), _rotate(key, rope)
        x = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return self.proj(x.transpose(1, 2).flatten(2))


class PlainMlp(nn.Module):
    """Linear, GELU, linear."""

    def __init__(self, dim: int, hidden: int, bias: bool) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden, bias=bias)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(hidden, dim, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, D) to the same."""
        return in_turn(x, self.fc1, self.act, self.fc2)


class FusedSwiglu(nn.Module):
    """DINOv2's gated MLP; gate and value are one layer."""

    def __init__(self, dim: int, hidden: int, bias: bool) -> None:
        super().__init__()
        self.w12 = nn.Linear(dim, 2 * hidden, bias=bias)
        self.w3 = nn.Linear(hidden, dim, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, D) to the same."""
        gate, value = self.w12(x).chunk(2, dim=-1)
        return self.w3(F.silu(gate) * value)


class Swiglu(nn.Module):
    """DINOv3's gated MLP; gate and value are two layers."""

    def __init__(self, dim: int, hidden: int, bias: bool) -> None:
        super().__init__()
        self.w1 = nn.Linear(dim, hidden, bias=bias)
        self.w2 = nn.Linear(dim, hidden, bias=bias)
        self.w3 = nn.Linear(hidden, dim, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, D) to the same."""
        return self.w3(F.silu(self.w1(x)) * self.w2(x))


def gated_or_plain(kind: Mlp, dim: int, ratio: float, bias: bool, fused: bool) -> nn.Module:
    """The MLP of a block; ``swiglu`` and its kin are gated, with hidden channels to the multiple that the name says."""
    hidden = int(dim * ratio)
    if kind == "mlp":
        return PlainMlp(dim, hidden, bias)
    align = int(kind.removeprefix("swiglu").removeprefix("fused") or 8)
    hidden = math.ceil(int(hidden * 2 / 3) / align) * align
    return (FusedSwiglu if fused else Swiglu)(dim, hidden, bias)


class LayerScale(nn.Module):
    """One factor per channel."""

    def __init__(self, dim: int, value: float) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((dim,), value))

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, D) to the same."""
        return x * self.gamma


class Block(nn.Module):
    """Attention and MLP, each normalized before, scaled after, and added."""

    def __init__(
        self,
        attn: Attention,
        mlp: nn.Module,
        dim: int,
        *,
        eps: float,
        scale: float | None,
        drop_path: float,
        with_cp: bool,
    ) -> None:
        super().__init__()
        self.with_cp = with_cp
        self.norm1, self.norm2 = nn.LayerNorm(dim, eps=eps), nn.LayerNorm(dim, eps=eps)
        self.attn, self.mlp = attn, mlp
        self.ls1: nn.Module = LayerScale(dim, scale) if scale else nn.Identity()
        self.ls2: nn.Module = LayerScale(dim, scale) if scale else nn.Identity()
        self.drop_path = DropPath(drop_path)

    def _forward(self, x: Tensor, rope: tuple[Tensor, Tensor] | None, mask: Tensor | None) -> Tensor:
        x = x + self.drop_path(self.ls1(self.attn(self.norm1(x), rope, mask)))
        return x + self.drop_path(self.ls2(self.mlp(self.norm2(x))))

    def forward(self, x: Tensor, rope: tuple[Tensor, Tensor] | None = None, mask: Tensor | None = None) -> Tensor:
        """(B, N, D) to the same; ``rope`` and ``mask`` as `Attention` takes them."""
        if self.with_cp and x.requires_grad:
            return recompute(lambda tokens: self._forward(tokens, rope, mask), x)
        return self._forward(x, rope, mask)
