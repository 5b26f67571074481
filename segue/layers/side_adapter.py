"""The side adapter of SAN (Xu et al. 2023, arXiv:2302.12242, section 3.2): masks and attention biases from an image and
CLIP's features of it.

Deviation: the features of CLIP are fused after every layer that ``fusion_index`` names (the reference overlooks those
beyond its length).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from segue.layers.conv import ConvModule
from segue.layers.initialize import initialize_fan_in
from segue.layers.norm import LN_FINE, LayerNorm2d, Norm
from segue.layers.patch_embed import PatchEmbed, to_map, to_tokens
from segue.layers.position import resize_position_embedding
from segue.layers.resize import resize
from segue.layers.transformer import TransformerEncoderLayer
from segue.types import Size

#: the adapter's position embeddings are made for images of 640 x 640 pixels
IMAGE_SIDE = 640


@dataclass(frozen=True, kw_only=True)
class AdapterEncoderOptions:
    """Layers of the adapter, their heads, and the width of their MLPs over that of the tokens."""

    num_encode_layer: int = 8
    num_heads: int = 6
    mlp_ratio: float = 4


@dataclass(frozen=True, kw_only=True)
class AdapterDecoderOptions:
    """The MLPs that make masks and biases.

    Attributes:
        num_heads, num_layers: of CLIP's last layers; each head gets its own bias, and each layer if there are several.
        num_mlp, mlp_channels, embed_channels: linear layers, their width, and that of the result.
        rescale: learn scale and offset of the biases.
    """

    num_heads: int = 12
    num_layers: int = 1
    num_mlp: int = 3
    mlp_channels: int = 256
    embed_channels: int = 256
    rescale: bool = True


@dataclass(frozen=True, kw_only=True)
class SideAdapterOptions:
    """The adapter: channels of the image and of CLIP, width, patches, masks, and where CLIP's features join."""

    in_channels: int = 3
    clip_channels: int = 768
    embed_dims: int = 240
    patch_size: int = 16
    patch_bias: bool = True
    num_queries: int = 100
    fusion_index: Sequence[int] = (0, 1, 2, 3)
    cfg_encoder: AdapterEncoderOptions = field(default_factory=AdapterEncoderOptions)
    cfg_decoder: AdapterDecoderOptions = field(default_factory=AdapterDecoderOptions)
    norm: Norm = LN_FINE


class MLP(nn.Module):
    """Linear layers with ReLU between; on maps they are 1 x 1 convolutions."""

    def __init__(self, kind: Any, widths: Sequence[int]) -> None:
        super().__init__()
        more = {"kernel_size": 1} if kind is nn.Conv2d else {}
        self.layers = nn.ModuleList(kind(a, b, **more) for a, b in pairwise(widths))

    def forward(self, x: Tensor) -> Tensor:
        """Tokens (B, N, C) or maps (B, C, H, W) to the same with other channels."""
        for layer in self.layers[:-1]:
            x = layer(x).relu()
        out: Tensor = self.layers[-1](x)
        return out


class MaskDecoder(nn.Module):
    """Masks and attention biases as products of queries and pixels (figure 4)."""

    def __init__(self, in_channels: int, options: AdapterDecoderOptions) -> None:
        super().__init__()
        widths = [in_channels, *[options.mlp_channels] * (options.num_mlp - 1)]
        width = options.embed_channels
        self.groups = (options.num_layers, options.num_heads)
        self.query_mlp = MLP(nn.Linear, [*widths, width])
        self.pix_mlp = MLP(nn.Conv2d, [*widths, width])
        self.attn_mlp = MLP(nn.Conv2d, [*widths, width * options.num_layers * options.num_heads])
        self.bias_scaling = nn.Linear(1, 1) if options.rescale else nn.Identity()

    def forward(self, queries: Tensor, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Queries (B, Q, C) and pixels (B, C, H, W) to masks (B, Q, H, W) and biases, per layer (B, heads, Q, H, W)."""
        queries = self.query_mlp(queries)
        masks = torch.einsum("bqc,bchw->bqhw", queries, self.pix_mlp(x))
        keys = torch.unflatten(self.attn_mlp(x), 1, (*self.groups, -1))
        biases = torch.einsum("bqc,blnchw->blnqhw", queries, keys)
        return masks, list(self.bias_scaling(biases.unsqueeze(-1)).squeeze(-1).unbind(1))


class SideAdapterNetwork(nn.Module):
    """A small ViT over queries and image that takes features of CLIP in on its way (section 3.2)."""

    def __init__(self, options: SideAdapterOptions) -> None:
        super().__init__()
        width, encoder = options.embed_dims, options.cfg_encoder
        self.fusion_index = list(options.fusion_index)
        self.grid: Size = (IMAGE_SIDE // options.patch_size, IMAGE_SIDE // options.patch_size)
        self.patch_embed = PatchEmbed(
            options.in_channels, width, options.patch_size, padding=0, bias=options.patch_bias
        )
        self.pos_embed = nn.Parameter(torch.zeros(1, self.grid[0] * self.grid[1], width))
        self.query_pos_embed = nn.Parameter(torch.zeros(1, options.num_queries, width))
        self.query_embed = nn.Parameter(torch.zeros(1, options.num_queries, width))
        self.encode_layers = nn.ModuleList(
            TransformerEncoderLayer(width, encoder.num_heads, int(encoder.mlp_ratio * width), norm=options.norm)
            for _ in range(encoder.num_encode_layer)
        )
        self.conv_clips = nn.ModuleList(
            nn.Sequential(
                LayerNorm2d(options.clip_channels, eps=1e-6), ConvModule(options.clip_channels, width, 1, act=None)
            )
            for _ in self.fusion_index
        )
        self.mask_decoder = MaskDecoder(width, options.cfg_decoder)
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        nn.init.normal_(self.query_embed, std=0.02)
        nn.init.normal_(self.query_pos_embed, std=0.02)
        initialize_fan_in(self.conv_clips)

    def forward(
        self, image: Tensor, clip: Sequence[Tensor], wanted: Sequence[int]
    ) -> list[tuple[Tensor, list[Tensor]]]:
        """Image (B, C, H, W) and CLIP's maps, one per fusion, to masks and biases after each layer in ``wanted``.

        Layers count from 1; the last one is always in it.
        """
        tokens, size = self.patch_embed(image)
        b, count, _ = tokens.shape
        position = resize_position_embedding(self.pos_embed, self.grid, size, "bicubic")
        position = torch.cat([self.query_pos_embed, position], dim=1)
        x = torch.cat([self.query_embed.expand(b, -1, -1), tokens], dim=1) + position
        x = self._fuse(0, x, clip, size)
        found = []
        for i, layer in enumerate(self.encode_layers, start=1):
            x = self._fuse(i, layer(x), clip, size)
            last = i == len(self.encode_layers)
            if last or i in wanted:
                found.append(self.mask_decoder(x[:, :-count], to_map(x[:, -count:], size)))
            if not last:
                x = x + position
        return found

    def _fuse(self, layer: int, x: Tensor, clip: Sequence[Tensor], size: Size) -> Tensor:
        """Add CLIP's features to the tokens of the image, if they join after this layer."""
        if layer not in self.fusion_index:
            return x
        at = self.fusion_index.index(layer)
        tokens = to_tokens(resize(self.conv_clips[at](clip[at]), size))
        count = tokens.shape[1]
        return torch.cat([x[:, :-count], x[:, -count:] + tokens], dim=1)
