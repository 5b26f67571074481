"""The head of EoMT (Kerssies et al. 2025, arXiv:2503.19108): queries and patches of a plain ViT are masks with classes.

What would be a decoder is the last blocks of the encoder, which `segue.models.eomt.EoMT` runs; here are the queries,
three small networks, and the losses. The names of parameters are those of the authors' files below ``network.``. The
networks have GELU, as the authors' have; transformers gives them the encoder's activation, SiLU with gated MLPs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from segue.errors import InputError
from segue.layers.mask_head import MaskHead, Masks, named_losses
from segue.layers.mask_losses import CrossEntropyLoss, DiceLoss, FocalLoss
from segue.layers.mask_matching import (
    ClassificationCost,
    CrossEntropyLossCost,
    DiceCost,
    HungarianAssigner,
    MatchingOptions,
)
from segue.layers.norm import LayerNorm2d
from segue.layers.patch_embed import to_map
from segue.types import Size

MASKS = CrossEntropyLoss(use_sigmoid=True, loss_weight=5.0)
DICE = DiceLoss(naive_dice=True, eps=1.0, loss_weight=5.0)
MATCHING = MatchingOptions(
    assigner=HungarianAssigner(
        match_costs=(
            ClassificationCost(weight=2.0),
            CrossEntropyLossCost(weight=5.0),
            DiceCost(pred_act=True, eps=1.0, weight=5.0),
        )
    )
)


class Upscale(nn.Module):
    """A map of twice the sides: a transposed and a depthwise convolution, normalized (section 3.2)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.ConvTranspose2d(channels, channels, 2, stride=2)
        self.act = nn.GELU()
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.norm = LayerNorm2d(channels, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C, 2H, 2W)."""
        return self.norm(self.conv2(self.act(self.conv1(x))))


class EoMTHead(MaskHead):
    """Queries, class head, mask head and upscaling of EoMT.

    Args:
        in_channels: width of the tokens.
        num_classes: number of classes.
        num_queries: masks per image.
        patch_size: of the encoder; it is upscaled until masks are at 1/4, at least once.
        loss_cls, loss_mask, loss_dice: of the classes of masks, and of masks; None: the published ones.
        train: how masks are matched, and on which points they are trained; None: as published.
        ignore_index: label that is no class.
        align_corners: means nothing here.

    Raises:
        InputError: a size less than 1; class weights that do not fit the classes; a mask loss over classes.
    """

    #: the model whose head it is
    model = "EoMT"

    def __init__(
        self,
        *,
        in_channels: int,
        num_classes: int,
        num_queries: int = 100,
        patch_size: int = 16,
        loss_cls: CrossEntropyLoss | None = None,
        loss_mask: CrossEntropyLoss | FocalLoss | None = None,
        loss_dice: DiceLoss | None = None,
        train: MatchingOptions | None = None,
        ignore_index: int = 255,
        align_corners: bool = False,
    ) -> None:
        name = type(self).__name__
        if min(in_channels, num_classes, num_queries, patch_size) < 1:
            raise InputError(
                f"{name}: in_channels={in_channels}, num_classes={num_classes}, num_queries={num_queries} and "
                f"patch_size={patch_size} must be 1 or more"
            )
        classes = loss_cls or CrossEntropyLoss(class_weight=[1.0] * num_classes + [0.1], loss_weight=2.0)
        losses = named_losses(name, num_classes, classes, loss_mask or MASKS, loss_dice or DICE)
        super().__init__(num_classes, ignore_index, train or MATCHING, losses)
        self.in_channels, self.num_queries, self.patch_size = in_channels, num_queries, patch_size
        self.q = nn.Embedding(num_queries, in_channels)
        self.class_head = nn.Linear(in_channels, num_classes + 1)
        self.mask_head = nn.Sequential(
            nn.Linear(in_channels, in_channels),
            nn.GELU(),
            nn.Linear(in_channels, in_channels),
            nn.GELU(),
            nn.Linear(in_channels, in_channels),
        )
        steps = max(1, int(math.log2(patch_size)) - 2)
        self.upscale = nn.Sequential(*(Upscale(in_channels) for _ in range(steps)))

    def read(self, tokens: Tensor, prefix: int, size: Size) -> Masks:
        """Normalized tokens (B, Q + prefix + h * w, C), in this order, to masks."""
        queries = tokens[:, : self.num_queries]
        pixels = self.upscale(to_map(tokens[:, self.num_queries + prefix :], size))
        masks = torch.einsum("bqc,bchw->bqhw", self.mask_head(queries), pixels)
        return Masks(self.class_head(queries), masks)

    def outputs(self, features: Sequence[Tensor]) -> list[Masks]:
        """The masks that `read` has found, which are what `segue.models.masked_attention` gives a head as features."""
        if not all(isinstance(one, Masks) for one in features):
            name = type(self).__name__
            raise InputError(f"{name} reads tokens of a ViT: it is the decode_head of a model of type={self.model!r}")
        return cast(list[Masks], list(features))
