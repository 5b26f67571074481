"""The transformer decoder of mask classification: queries attend to an image and to each other, layer by layer.

DETR (arXiv:2005.12872, section 3.2); Mask2Former (arXiv:2112.01527, section 3.2) attends to the image first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor, nn

from segue.layers.activation import RELU
from segue.layers.attention import MultiheadAttention
from segue.layers.ffn import FFN
from segue.layers.norm import LN, Norm
from segue.types import Activation


@dataclass(frozen=True, kw_only=True)
class AttentionOptions:
    """Width, heads, and dropout of the attention weights and of the output; tokens always come batch first."""

    embed_dims: int = 256
    num_heads: int = 8
    attn_drop: float = 0.0
    proj_drop: float = 0.0
    batch_first: Literal[True] = True

    def __call__(self) -> MultiheadAttention:
        """Make the module."""
        return MultiheadAttention(self.embed_dims, self.num_heads, attn_drop=self.attn_drop, proj_drop=self.proj_drop)


@dataclass(frozen=True, kw_only=True)
class FeedForwardOptions:
    """The MLP of a layer: its width, hidden width, linear layers, dropout and activation; its input is added to it."""

    embed_dims: int = 256
    feedforward_channels: int = 1024
    num_fcs: int = 2
    ffn_drop: float = 0.0
    act: Activation = RELU
    add_identity: Literal[True] = True

    def __call__(self) -> FFN:
        """Make the module."""
        return FFN(self.embed_dims, self.feedforward_channels, num_fcs=self.num_fcs, drop=self.ffn_drop, act=self.act)


@dataclass(frozen=True, kw_only=True)
class DecoderLayerOptions:
    """One layer: attention among queries and to the image, MLP, normalization."""

    self_attn: AttentionOptions = field(default_factory=AttentionOptions)
    cross_attn: AttentionOptions = field(default_factory=AttentionOptions)
    ffn: FeedForwardOptions = field(default_factory=FeedForwardOptions)
    norm: Norm = LN


@dataclass(frozen=True, kw_only=True)
class TransformerDecoderOptions:
    """``num_layers`` equal layers; masks are predicted after each, so ``return_intermediate`` cannot be False."""

    num_layers: int = 6
    layer: DecoderLayerOptions = field(default_factory=DecoderLayerOptions)
    return_intermediate: Literal[True] = True


class DecoderLayer(nn.Module):
    """Attention among queries, attention to the image and an MLP, each added to its input and normalized.

    Args:
        options: widths and dropout.
        image_first: attend to the image before the other queries (Mask2Former).
    """

    def __init__(self, options: DecoderLayerOptions, *, image_first: bool) -> None:
        super().__init__()
        self.image_first = image_first
        self.self_attn = options.self_attn()
        self.cross_attn = options.cross_attn()
        self.ffn = options.ffn()
        width = options.ffn.embed_dims
        self.norms = nn.ModuleList(options.norm(width) for _ in range(3))

    def forward(self, x: Tensor, position: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
        """Queries (B, Q, C) to the same shape.

        ``position`` (1, Q, C) is added where queries are compared; the image is ``key`` and ``value`` (B, N, C);
        ``mask`` (B, 1, Q, N) is True where a query may look.
        """
        if self.image_first:
            x = self.norms[0](x + self.cross_attn(x + position, key, value, mask))
            x = self.norms[1](x + self._among_queries(x, position))
        else:
            x = self.norms[0](x + self._among_queries(x, position))
            x = self.norms[1](x + self.cross_attn(x + position, key, value, mask))
        out: Tensor = self.norms[2](x + self.ffn(x))
        return out

    def _among_queries(self, x: Tensor, position: Tensor) -> Tensor:
        placed = x + position
        return self.self_attn(placed, placed, x)


class TransformerDecoder(nn.Module):
    """The layers, and the normalization of what is read from the queries; the heads call them one by one."""

    def __init__(self, options: TransformerDecoderOptions, *, image_first: bool) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            DecoderLayer(options.layer, image_first=image_first) for _ in range(options.num_layers)
        )
        self.post_norm = options.layer.norm(options.layer.ffn.embed_dims)
