"""Mask2Former (Cheng et al. 2022, arXiv:2112.01527): MaskFormer whose queries only look inside their own masks."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from segue.heads.maskformer import MaskHeadOptions, mask_mlp
from segue.layers.deformable_pixel_decoder import MSDeformAttnPixelDecoder
from segue.layers.initialize import initialize_fan_in
from segue.layers.mask_head import MaskHead, Masks
from segue.layers.mask_transformer import TransformerDecoder
from segue.layers.patch_embed import to_tokens
from segue.layers.resize import resize
from segue.types import Size


class Mask2FormerHead(MaskHead):
    """The head of Mask2Former.

    Args:
        options: see ``MaskHeadOptions``.
        pixel_decoder: makes the mask features and the feature maps that queries look at, coarsest first.
        num_transformer_feat_level: number of these maps; layers look at one after the other, over and over.
    """

    def __init__(
        self,
        options: MaskHeadOptions,
        *,
        pixel_decoder: MSDeformAttnPixelDecoder,
        num_transformer_feat_level: int = 3,
    ) -> None:
        super().__init__(options.num_classes, options.ignore_index, options.train, options.losses(type(self).__name__))
        width, levels = options.feat_channels, num_transformer_feat_level
        self.in_index = options.in_index
        self.position = options.positional_encoding
        self.pixel_decoder = pixel_decoder(options.in_channels, width, options.out_channels)
        self.transformer_decoder = TransformerDecoder(options.transformer_decoder, image_first=True)
        project = options.enforce_decoder_input_project or options.transformer_decoder.layer.ffn.embed_dims != width
        inner = options.transformer_decoder.layer.ffn.embed_dims
        self.decoder_input_projs = nn.ModuleList(
            nn.Conv2d(width, inner, 1) if project else nn.Identity() for _ in range(levels)
        )
        self.query_embed = nn.Embedding(options.num_queries, width)
        self.query_feat = nn.Embedding(options.num_queries, width)
        self.level_embed = nn.Embedding(levels, width)
        self.cls_embed = nn.Linear(width, options.num_classes + 1)
        self.mask_embed = mask_mlp(width, options.out_channels)
        initialize_fan_in(self.decoder_input_projs)
        for parameter in self.transformer_decoder.parameters():
            if parameter.ndim > 1:
                nn.init.xavier_normal_(parameter)

    def outputs(self, features: Sequence[Tensor]) -> list[Masks]:
        """Masks before the first and after each layer of the transformer."""
        features = features if self.in_index is None else [features[i] for i in self.in_index]
        pixels, maps = self.pixel_decoder(features)
        keys, values, sizes = [], [], []
        for project, x, level in zip(self.decoder_input_projs, maps, self.level_embed.weight, strict=True):
            sizes.append((x.shape[2], x.shape[3]))
            values.append(to_tokens(project(x)) + level)
            keys.append(values[-1] + self.position(sizes[-1], values[-1]))
        position = self.query_embed.weight.unsqueeze(0)
        x = self.query_feat.weight.unsqueeze(0).expand(pixels.shape[0], -1, -1)
        found = [self._read(x, pixels)]
        for i, layer in enumerate(self.transformer_decoder.layers):
            level = i % len(sizes)
            x = layer(x, position, keys[level], values[level], inside(found[-1].masks, sizes[level]))
            found.append(self._read(x, pixels))
        return found

    def _read(self, x: Tensor, pixels: Tensor) -> Masks:
        """Queries (B, Q, C) and mask features (B, C', H, W) to masks."""
        x = self.transformer_decoder.post_norm(x)
        masks = torch.unflatten(self.mask_embed(x) @ pixels.flatten(2), 2, pixels.shape[2:])
        return Masks(self.cls_embed(x), masks)


@torch.no_grad()
def inside(masks: Tensor, size: Size) -> Tensor:
    """Where queries may look, bool (B, 1, Q, H * W): inside their masks (B, Q, h, w), resized; all over if empty.

    Equation 3: probability of at least one half.
    """
    allowed = (resize(masks, size) >= 0).flatten(2)
    return (allowed | ~allowed.any(dim=-1, keepdim=True)).unsqueeze(1)
