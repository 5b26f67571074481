"""MaskFormer (Cheng et al. 2021, arXiv:2107.06278): queries find masks in the image and a class for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.layers.activation import RELU
from segue.layers.conv import ConvModule
from segue.layers.initialize import initialize_fan_in
from segue.layers.mask_head import MaskHead, MaskLosses, Masks, Matched, named_losses
from segue.layers.mask_losses import CrossEntropyLoss, DiceLoss, FocalLoss
from segue.layers.mask_matching import MatchingOptions, Prediction, Truth
from segue.layers.mask_transformer import TransformerDecoder, TransformerDecoderOptions
from segue.layers.norm import GN, Norm
from segue.layers.patch_embed import to_tokens
from segue.layers.resize import resize
from segue.layers.sine_position import NORMALIZED, SinePositionalEncoding
from segue.types import Activation


@dataclass(frozen=True, kw_only=True)
class MaskHeadOptions:
    """The arguments that MaskFormer and Mask2Former share.

    Attributes:
        in_channels: of the feature maps, finest first.
        in_index: which feature maps those are; default: all.
        feat_channels, out_channels: width of queries and feature maps; of the mask embeddings.
        num_classes: number of classes.
        num_queries: masks per image.
        transformer_decoder: its layers.
        positional_encoding: of the feature maps that queries look at.
        enforce_decoder_input_project: project these maps even if they have the width of the queries already.
        loss_cls, loss_mask, loss_dice: of the classes of masks, and of masks.
        train: how masks are matched; without it, and without losses, the head only predicts.
        ignore_index: label that is no class.
        align_corners, strides: mean nothing here.
    """

    in_channels: Sequence[int]
    in_index: Sequence[int] | None = None
    feat_channels: int
    out_channels: int
    num_classes: int
    num_queries: int = 100
    transformer_decoder: TransformerDecoderOptions
    positional_encoding: SinePositionalEncoding = NORMALIZED
    enforce_decoder_input_project: bool = False
    loss_cls: CrossEntropyLoss | None = None
    loss_mask: CrossEntropyLoss | FocalLoss | None = None
    loss_dice: DiceLoss | None = None
    train: MatchingOptions | None = None
    ignore_index: int = 255
    align_corners: bool = False
    strides: Sequence[int] | None = None

    def losses(self, name: str) -> MaskLosses | None:
        """The losses by name, if all are given.

        Raises:
            InputError: class weights that do not fit the classes; a mask loss over classes. ``name`` is the head's.
        """
        if self.loss_cls is None or self.loss_mask is None or self.loss_dice is None:
            return None
        return named_losses(name, self.num_classes, self.loss_cls, self.loss_mask, self.loss_dice)


@dataclass(frozen=True, kw_only=True)
class PixelDecoder:
    """What a config says about the pixel decoder; calling it with channels makes the module."""

    norm: Norm | None = GN
    act: Activation | None = RELU

    def __call__(self, in_channels: Sequence[int], feat_channels: int, out_channels: int) -> PyramidPixelDecoder:
        """Make the module for feature maps of ``in_channels``, finest first."""
        return PyramidPixelDecoder(in_channels, feat_channels, out_channels, options=self)


class PyramidPixelDecoder(nn.Module):
    """A feature pyramid whose finest map becomes the mask features (section 3.3)."""

    def __init__(
        self, in_channels: Sequence[int], feat_channels: int, out_channels: int, *, options: PixelDecoder
    ) -> None:
        super().__init__()
        norm, act = options.norm, options.act
        *fine, coarsest = in_channels
        self.lateral_convs = nn.ModuleList(
            ConvModule(channels, feat_channels, 1, norm=norm, act=None) for channels in fine
        )
        self.output_convs = nn.ModuleList(
            ConvModule(feat_channels, feat_channels, 3, padding=1, norm=norm, act=act) for _ in fine
        )
        self.last_feat_conv = ConvModule(coarsest, feat_channels, 3, padding=1, norm=norm, act=act)
        self.mask_feature = nn.Conv2d(feat_channels, out_channels, 3, padding=1)
        initialize_fan_in(self)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Feature maps, finest first, to (B, out_channels, H, W) at the size of the finest."""
        x = self.last_feat_conv(features[-1])
        for i in reversed(range(len(self.lateral_convs))):
            lateral = self.lateral_convs[i](features[i])
            x = self.output_convs[i](lateral + F.interpolate(x, size=lateral.shape[-2:], mode="nearest"))
        return self.mask_feature(x)


class MaskFormerHead(MaskHead):
    """The head of MaskFormer.

    Args:
        options: see ``MaskHeadOptions``.
        pixel_decoder: makes the mask features; the transformer reads the coarsest feature map as it is.
    """

    def __init__(self, options: MaskHeadOptions, *, pixel_decoder: PixelDecoder) -> None:
        super().__init__(options.num_classes, options.ignore_index, options.train, options.losses(type(self).__name__))
        width = options.feat_channels
        self.in_index = options.in_index
        self.position = options.positional_encoding
        self.pixel_decoder = pixel_decoder(options.in_channels, width, options.out_channels)
        self.transformer_decoder = TransformerDecoder(options.transformer_decoder, image_first=False)
        project = options.in_channels[-1] != width or options.enforce_decoder_input_project
        self.decoder_input_proj = nn.Conv2d(options.in_channels[-1], width, 1) if project else nn.Identity()
        self.query_embed = nn.Embedding(options.num_queries, width)
        self.cls_embed = nn.Linear(width, options.num_classes + 1)
        self.mask_embed = mask_mlp(width, options.out_channels)
        initialize_fan_in(self.decoder_input_proj)
        for parameter in self.transformer_decoder.parameters():
            if parameter.ndim > 1:
                nn.init.xavier_uniform_(parameter)

    def outputs(self, features: Sequence[Tensor]) -> list[Masks]:
        """Masks after each layer of the transformer."""
        features = features if self.in_index is None else [features[i] for i in self.in_index]
        pixels = self.pixel_decoder(features)
        coarsest = self.decoder_input_proj(features[-1])
        value = to_tokens(coarsest)
        key = value + self.position((coarsest.shape[2], coarsest.shape[3]), value)
        position = self.query_embed.weight.unsqueeze(0)
        x = value.new_zeros(value.shape[0], *self.query_embed.weight.shape)
        found = []
        for layer in self.transformer_decoder.layers:
            x = layer(x, position, key, value)
            normed = self.transformer_decoder.post_norm(x)
            masks = torch.unflatten(self.mask_embed(normed) @ pixels.flatten(2), 2, pixels.shape[2:])
            found.append(Masks(self.cls_embed(normed), masks))
        return found

    def match(self, prediction: Prediction, truth: Truth) -> tuple[Tensor, Tensor]:
        """Pairs of queries and true masks of one image, found by all pixels of the predicted masks."""
        assert self.matching is not None
        small = F.interpolate(truth.masks.unsqueeze(1), size=prediction.masks.shape[-2:], mode="nearest")
        return self.matching.assigner.assign(
            Prediction(prediction.scores, prediction.masks.flatten(1)), Truth(truth.labels, small.flatten(1))
        )

    def pairs(self, matched: Matched) -> tuple[Tensor, Tensor]:
        """All pixels of the true masks."""
        masks = resize(matched.masks.unsqueeze(1), matched.truth.shape[-2:])
        return masks.flatten(1), matched.truth.flatten(1)


def mask_mlp(width: int, out_channels: int) -> nn.Sequential:
    """From a query to the vector that is compared with the mask features."""
    return nn.Sequential(
        nn.Linear(width, width),
        nn.ReLU(inplace=True),
        nn.Linear(width, width),
        nn.ReLU(inplace=True),
        nn.Linear(width, out_channels),
    )
