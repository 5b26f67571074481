"""The pixel decoder of Mask2Former (arXiv:2112.01527, section 3.1 and appendix B).

A transformer encoder of deformable attention over the coarse feature maps, and a feature pyramid down to the finest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor, nn

from segue.errors import InputError
from segue.layers.activation import RELU
from segue.layers.conv import ConvModule
from segue.layers.deformable_attention import (
    DeformableAttentionOptions,
    MultiScaleDeformableAttention,
    grid_places,
)
from segue.layers.initialize import initialize_fan_in
from segue.layers.mask_transformer import FeedForwardOptions
from segue.layers.norm import GN, LN, Norm
from segue.layers.patch_embed import to_map, to_tokens
from segue.layers.resize import resize
from segue.layers.sine_position import NORMALIZED, SinePositionalEncoding
from segue.types import Activation, Size


@dataclass(frozen=True, kw_only=True)
class EncoderLayerOptions:
    """One layer of the encoder: deformable attention and MLP."""

    self_attn: DeformableAttentionOptions = field(
        default_factory=partial(DeformableAttentionOptions, num_levels=3, dropout=0.0)
    )
    ffn: FeedForwardOptions = field(default_factory=FeedForwardOptions)
    norm: Norm = LN


@dataclass(frozen=True, kw_only=True)
class EncoderOptions:
    """``num_layers`` equal layers."""

    num_layers: int = 6
    layer: EncoderLayerOptions = field(default_factory=EncoderLayerOptions)


@dataclass(frozen=True, kw_only=True)
class MSDeformAttnPixelDecoder:
    """What a config says about the pixel decoder; calling it with channels makes the module.

    Attributes:
        num_outs: feature maps that the transformer decoder gets, coarsest first.
        norm, act: of the convolutions.
        encoder: its ``num_levels`` is the number of feature maps, from the coarsest, that it works on.
        positional_encoding: of these maps.
        strides: mean nothing here; places are relative to the maps' sizes.
    """

    num_outs: int = 3
    norm: Norm | None = GN
    act: Activation | None = RELU
    encoder: EncoderOptions = field(default_factory=EncoderOptions)
    positional_encoding: SinePositionalEncoding = NORMALIZED
    strides: Sequence[int] | None = None

    def __call__(self, in_channels: Sequence[int], feat_channels: int, out_channels: int) -> DeformablePixelDecoder:
        """Make the module for feature maps of ``in_channels``, finest first."""
        return DeformablePixelDecoder(in_channels, feat_channels, out_channels, options=self)


class EncoderLayer(nn.Module):
    """Deformable attention and MLP, each added to its input and normalized."""

    def __init__(self, options: EncoderLayerOptions) -> None:
        super().__init__()
        self.self_attn = MultiScaleDeformableAttention(options.self_attn)
        self.ffn = options.ffn()
        self.norms = nn.ModuleList(options.norm(options.ffn.embed_dims) for _ in range(2))

    def forward(self, x: Tensor, position: Tensor, places: Tensor, sizes: Sequence[Size]) -> Tensor:
        """Tokens (B, N, C) of maps of several sizes to the same shape."""
        x = self.norms[0](x + self.self_attn(x + position, x, places, sizes))
        out: Tensor = self.norms[1](x + self.ffn(x))
        return out


class Encoder(nn.Module):
    """The layers, one after the other."""

    def __init__(self, options: EncoderOptions) -> None:
        super().__init__()
        self.layers = nn.ModuleList(EncoderLayer(options.layer) for _ in range(options.num_layers))

    def forward(self, x: Tensor, position: Tensor, sizes: Sequence[Size]) -> Tensor:
        """Tokens (B, N, C) and their position encodings (1, N, C) to (B, N, C)."""
        places = grid_places(sizes, x)
        for layer in self.layers:
            x = layer(x, position, places, sizes)
        return x


class DeformablePixelDecoder(nn.Module):
    """Deformable attention over the coarse maps, then a feature pyramid.

    Raises:
        InputError: more levels or outputs asked for than there are feature maps.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        feat_channels: int,
        out_channels: int,
        *,
        options: MSDeformAttnPixelDecoder,
    ) -> None:
        super().__init__()
        self.levels = options.encoder.layer.self_attn.num_levels
        if not 1 <= self.levels <= len(in_channels) or options.num_outs > len(in_channels):
            raise InputError(
                f"MSDeformAttnPixelDecoder: encoder num_levels={self.levels} and num_outs={options.num_outs} need that "
                f"many feature maps, but in_channels={list(in_channels)} lists {len(in_channels)}"
            )
        self.num_outs = options.num_outs
        self.position = options.positional_encoding
        fine = list(in_channels[: len(in_channels) - self.levels])
        coarse = list(reversed(in_channels))[: self.levels]
        norm, act = options.norm, options.act
        self.input_convs = nn.ModuleList(
            ConvModule(channels, feat_channels, 1, norm=norm, act=None, bias=True) for channels in coarse
        )
        self.encoder = Encoder(options.encoder)
        self.level_encoding = nn.Embedding(self.levels, feat_channels)
        self.lateral_convs = nn.ModuleList(
            ConvModule(channels, feat_channels, 1, norm=norm, act=None) for channels in fine
        )
        self.output_convs = nn.ModuleList(
            ConvModule(feat_channels, feat_channels, 3, padding=1, norm=norm, act=act) for _ in fine
        )
        self.mask_feature = nn.Conv2d(feat_channels, out_channels, 1)
        self.initialize()

    def initialize(self) -> None:
        """Convolutions by fan-in, matrices of the encoder by Xavier, offsets as deformable attention wants them."""
        initialize_fan_in(self.input_convs, self.lateral_convs, self.output_convs, self.mask_feature)
        for parameter in self.encoder.parameters():
            if parameter.ndim > 1:
                nn.init.xavier_normal_(parameter)
        for layer in self.encoder.layers:
            layer.self_attn.initialize()  # type: ignore[operator, union-attr]

    def forward(self, features: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Feature maps, finest first, to mask features (B, out_channels, H, W) and ``num_outs`` maps, coarsest first.

        The mask features have the size of the finest map.
        """
        fine, coarse = list(features[: len(features) - self.levels]), list(reversed(features))[: self.levels]
        tokens, positions, sizes = [], [], []
        for conv, x, level in zip(self.input_convs, coarse, self.level_encoding.weight, strict=True):
            sizes.append((x.shape[2], x.shape[3]))
            tokens.append(to_tokens(conv(x)))
            positions.append(self.position(sizes[-1], tokens[-1]) + level)
        encoded = self.encoder(torch.cat(tokens, dim=1), torch.cat(positions, dim=1), sizes)
        split = torch.split(encoded, [h * w for h, w in sizes], dim=1)
        maps = [to_map(x, size) for x, size in zip(split, sizes, strict=True)]
        for i in reversed(range(len(fine))):
            lateral = self.lateral_convs[i](fine[i])
            maps.append(self.output_convs[i](lateral + resize(maps[-1], lateral.shape[-2:])))
        return self.mask_feature(maps[-1]), maps[: self.num_outs]
