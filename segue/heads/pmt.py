"""The head of PMT (Cavagnero et al. 2026, arXiv:2603.25398): the plain mask decoder, on layers of a frozen ViT.

The tokens of some of the encoder's blocks, class token and registers among them, are normalized over the batch,
refined by a small network each, weighed by channel, and summed. Queries join the sum, and both go through blocks like
the encoder's, which `segue.models.pmt.PMT` runs. Then follow EoMT's three networks, and its losses.

The names of parameters are those of the authors' files below ``network.decoder.``, but that queries, keys and values
are one layer, and that the batch normalizations are here. Deviation: of the connections that the paper compares, there
are only those of its models.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from segue.errors import InputError
from segue.heads.eomt import EoMTHead
from segue.layers.dino_block import Attention, Block, PlainMlp, Rope
from segue.layers.mask_losses import CrossEntropyLoss, DiceLoss, FocalLoss
from segue.layers.mask_matching import MatchingOptions

#: of the rotary positions, which are DINOv3's
BASE, RESCALE = 100.0, 2.0


class PMTHead(EoMTHead):
    """Lateral connections, decoder, and the queries, class head, mask head and upscaling of EoMT.

    Args:
        in_channels: width of the tokens.
        num_classes: number of classes.
        num_levels: blocks of the encoder whose tokens are read.
        num_blocks: blocks of the decoder.
        num_heads: of their attention; the published models have the encoder's.
        mlp_channels: width of their MLPs; None: that of the tokens, as in the published models.
        with_cp: recompute the blocks in the backward pass, to save memory.
        num_queries, patch_size, loss_cls, loss_mask, loss_dice, train, ignore_index, align_corners: as in ``EoMTHead``.

    Raises:
        InputError: as in ``EoMTHead``; heads that do not divide the width into multiples of 4.
    """

    model = "PMT"

    def __init__(
        self,
        *,
        in_channels: int,
        num_classes: int,
        num_levels: int = 4,
        num_blocks: int = 6,
        num_heads: int = 16,
        mlp_channels: int | None = None,
        with_cp: bool = False,
        num_queries: int = 100,
        patch_size: int = 16,
        loss_cls: CrossEntropyLoss | None = None,
        loss_mask: CrossEntropyLoss | FocalLoss | None = None,
        loss_dice: DiceLoss | None = None,
        train: MatchingOptions | None = None,
        ignore_index: int = 255,
        align_corners: bool = False,
    ) -> None:
        super().__init__(
            in_channels=in_channels,
            num_classes=num_classes,
            num_queries=num_queries,
            patch_size=patch_size,
            loss_cls=loss_cls,
            loss_mask=loss_mask,
            loss_dice=loss_dice,
            train=train,
            ignore_index=ignore_index,
            align_corners=align_corners,
        )
        hidden = in_channels if mlp_channels is None else mlp_channels
        if min(num_levels, num_blocks, num_heads, hidden) < 1:
            raise InputError(
                f"PMTHead: num_levels={num_levels}, num_blocks={num_blocks}, num_heads={num_heads} and "
                f"mlp_channels={hidden} must be 1 or more"
            )
        if in_channels % (4 * num_heads):
            raise InputError(
                f"PMTHead: num_heads={num_heads} must divide in_channels={in_channels} into multiples of 4"
            )
        self.bn = nn.ModuleList(nn.BatchNorm1d(in_channels) for _ in range(num_levels))
        self.lateral_projections = nn.ModuleList(
            nn.Sequential(nn.Linear(in_channels, in_channels // 2), nn.GELU(), nn.Linear(in_channels // 2, in_channels))
            for _ in range(num_levels)
        )
        self.scalers = nn.ParameterList(nn.Parameter(torch.ones(in_channels)) for _ in range(num_levels))
        self.blocks = nn.ModuleList(
            Block(
                Attention(in_channels, num_heads, qkv_bias=True, proj_bias=True, mask_k_bias=True),
                PlainMlp(in_channels, hidden, bias=True),
                in_channels,
                eps=1e-5,
                scale=1.0,
                drop_path=0.0,
                with_cp=with_cp,
            )
            for _ in range(num_blocks)
        )
        self.decoder_norm = nn.LayerNorm(in_channels)
        #: of the patches, where the encoder has none
        self.rope = Rope(in_channels // num_heads, BASE, RESCALE)

    def fuse(self, levels: Sequence[Tensor]) -> Tensor:
        """Tokens (B, N, C) of each level to their sum (B, N, C), as the lateral connections weigh them.

        Raises:
            InputError: another number of levels.
        """
        if len(levels) != len(self.bn):
            raise InputError(f"PMTHead: {len(levels)} levels of tokens for num_levels={len(self.bn)}")
        found = []
        for x, bn, project, scale in zip(levels, self.bn, self.lateral_projections, self.scalers, strict=True):
            x = bn(x.transpose(1, 2)).transpose(1, 2)
            found.append((x + project(x)) * scale)
        return torch.stack(found).sum(dim=0)
