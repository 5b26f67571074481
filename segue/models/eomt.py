"""EoMT: a plain ViT that segments (Kerssies et al. 2025, arXiv:2503.19108), on DINOv2 or DINOv3.

Queries join the tokens of the encoder's last blocks; a head reads masks and classes from both. In training, before each
of these blocks, masks are predicted too, and queries look only inside theirs, less and less often (section 3.3). In
prediction there are neither.

Deviations: images of any shape; where they are completed to whole patches, masks are cut back, and labels completed
with ignored ones. Without published times, the phases of annealing share the training evenly.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional as F

from segue.errors import InputError
from segue.layers.mask_head import Masks
from segue.layers.resize import resize
from segue.models.encoder_decoder import EncoderDecoder, prefixed
from segue.models.seg_data_preprocessor import SegDataPreProcessor
from segue.types import Backbone, Head, Size, Targets, TestOptions

#: of the share of queries that are masked, over a phase
POWER = 0.9


@dataclass(frozen=True, kw_only=True)
class Annealing:
    """When masked attention fades out in each of the last blocks, first to last.

    Attributes:
        starts, ends: iterations; before its start all queries of a block are masked, from its end on none.

    Raises:
        InputError: lists of two lengths; an end before its start.
    """

    starts: Sequence[int]
    ends: Sequence[int]

    def __post_init__(self) -> None:
        fits = len(self.starts) == len(self.ends)
        if not fits or any(not 0 <= a <= b for a, b in zip(self.starts, self.ends, strict=True)):
            raise InputError(
                f"annealing: starts={list(self.starts)} and ends={list(self.ends)} must have a number for each block, "
                "and no end before its start"
            )

    @classmethod
    def even(cls, blocks: int, total: int) -> Annealing:
        """One phase after the other: of ``blocks + 2`` equal parts of the training, all but the first and the last."""
        times = [round(total * (i + 1) / (blocks + 2)) for i in range(blocks + 1)]
        return cls(starts=times[:-1], ends=times[1:])

    def shares(self, iteration: int) -> list[float]:
        """The share of queries that are masked in each block: 1, then (1 - progress) ^ 0.9, then 0."""
        found = []
        for start, end in zip(self.starts, self.ends, strict=True):
            inside = start <= iteration < end
            left = (end - iteration) / (end - start) if inside else float(iteration < start)
            found.append(left**POWER)
        return found


class EoMT(EncoderDecoder):
    """The encoder-only mask transformer.

    Args:
        backbone: a `DinoVisionTransformer`; which of its blocks give feature maps does not matter.
        decode_head: an `EoMTHead` of the backbone's width and patch size.
        num_blocks: blocks that the queries go through; None: 3 of up to 12 blocks, 4 of up to 24, 5 of more.
        masked_attention: whether queries look only inside their masks in training.
        annealing: when that ends; None: phases of equal length, once it is known how long training is.
        data_preprocessor, test: as in ``EncoderDecoder``.

    Raises:
        InputError: parts that do not fit each other; more blocks than there are; annealing of another number of blocks.
    """

    def __init__(
        self,
        *,
        backbone: Backbone,
        decode_head: Head,
        num_blocks: int | None = None,
        masked_attention: bool = True,
        annealing: Annealing | None = None,
        data_preprocessor: SegDataPreProcessor | None = None,
        test: TestOptions | None = None,
    ) -> None:
        encoder, head = cast(Any, backbone), cast(Any, decode_head)
        if not all(hasattr(encoder, name) for name in ("tokens", "blocks", "prefix_tokens")):
            raise InputError(f"EoMT: backbone must be a DinoVisionTransformer, which {type(backbone).__name__} is not")
        if not hasattr(head, "read"):
            raise InputError(f"EoMT: decode_head must be an EoMTHead, which {type(decode_head).__name__} is not")
        depth, patch = len(encoder.blocks), encoder.patch_embed.patch[0]
        width = encoder.norm.normalized_shape[0]
        if (head.in_channels, head.patch_size) != (width, patch):
            raise InputError(
                f"EoMT: decode_head has in_channels={head.in_channels} and patch_size={head.patch_size}; "
                f"the backbone needs {width} and {patch}"
            )
        blocks = (3 if depth <= 12 else 4 if depth <= 24 else 5) if num_blocks is None else num_blocks
        if num_blocks is None:
            blocks = min(blocks, depth)
        if not 1 <= blocks <= depth:
            raise InputError(f"EoMT: num_blocks={blocks}; the backbone has {depth} blocks, and it must be 1 or more")
        if annealing is not None and len(annealing.starts) != blocks:
            raise InputError(f"EoMT: annealing has {len(annealing.starts)} phases for num_blocks={blocks}")
        super().__init__(backbone=backbone, decode_head=decode_head, data_preprocessor=data_preprocessor, test=test)
        self.num_blocks, self.patch = blocks, patch
        self.masked_attention, self.annealing = masked_attention, annealing
        #: how many of the queries are masked in each of the last blocks, of 1
        self.shares = [float(masked_attention)] * blocks

    def anneal(self, iteration: int, total: int) -> None:
        """Before a training iteration, counted from 0, of ``total``: set how many queries are masked in each block."""
        if self.annealing is not None and iteration == 0 and total < max(self.annealing.ends):
            logging.getLogger("segue").warning(
                f"annealing.ends={list(self.annealing.ends)}, but training has only {total} iterations: attention "
                "stays masked to the end, and prediction, which masks nothing, is another model; without it, the "
                "phases follow the training's length"
            )
        if self.masked_attention:
            self.shares = (self.annealing or Annealing.even(self.num_blocks, total)).shares(iteration)

    def extract_feat(self, inputs: Tensor) -> Sequence[Tensor]:
        """Preprocessed images (B, C, H, W) to a list of the masks that count in prediction, which the head reads."""
        return cast(Sequence[Tensor], self.masks(inputs, every=False))

    def masks(self, inputs: Tensor, every: bool = True) -> list[Masks]:
        """Masks after the last block; with ``every``, also before each of the last blocks, first to last.

        ``every`` is of training: in its mode, queries are masked by what was found before.
        """
        encoder, head = cast(Any, self.backbone), cast(Any, self.decode_head)
        x, size = encoder.tokens(inputs)
        rope = encoder.rope(size, x) if encoder.rope is not None else None
        first = len(encoder.blocks) - self.num_blocks
        found: list[Masks] = []
        for i, block in enumerate(encoder.blocks):
            mask = None
            if i == first:
                x = torch.cat([head.q.weight.to(x.dtype).expand(x.shape[0], -1, -1), x], dim=1)
            if i >= first and every:
                found.append(head.read(encoder.norm(x), encoder.prefix_tokens, size))
                if self.training and self.shares[i - first] > 0:
                    mask = attention_mask(found[-1].masks, size, x.shape[1], self.shares[i - first])
            x = block(x, rope, mask)
        return [*found, head.read(encoder.norm(x), encoder.prefix_tokens, size)]

    def encode_decode(self, inputs: Tensor) -> Tensor:
        """Preprocessed images (B, C, H, W) to scores (B, classes, H, W)."""
        height, width = inputs.shape[-2:]
        whole = (-(-height // self.patch) * self.patch, -(-width // self.patch) * self.patch)
        scores = self.decode_head.predict(self.extract_feat(inputs), whole)
        if not torch.compiler.is_exporting() and whole == (height, width):
            return scores
        return F.pad(scores, (0, width - whole[1], 0, height - whole[0]))  # a slice makes exports ask if it is one

    def loss(self, inputs: Tensor, targets: Targets) -> dict[str, Tensor]:
        """Losses of every prediction by name, prefixed ``decode``; ``masked_0`` ... are shares of masked queries."""
        height, width = targets.labels.shape[-2:]
        missing = (0, -width % self.patch, 0, -height % self.patch)
        if any(missing):
            ignored = cast(Any, self.decode_head).ignore_index
            targets = Targets(labels=F.pad(targets.labels, missing, value=ignored), metas=targets.metas)
        losses = prefixed("decode", self.decode_head.loss(cast(Sequence[Tensor], self.masks(inputs)), targets))
        return losses | {f"masked_{i}": inputs.new_tensor(share) for i, share in enumerate(self.shares)}


@torch.no_grad()
def attention_mask(masks: Tensor, size: Size, tokens: int, share: float) -> Tensor:
    """Which tokens may see which, bool (B, 1, N, N) of queries, others and patches, from masks (B, Q, h', w').

    Of the queries, a random ``share`` sees only those patches where its mask is more likely than not; all else is seen.
    """
    batch, queries = masks.shape[:2]
    inside = (resize(masks, size) > 0).flatten(2)
    if share < 1:
        inside = inside | (torch.rand(batch, queries, device=masks.device) > share).unsqueeze(2)
    allowed = torch.ones(batch, tokens, tokens, dtype=torch.bool, device=masks.device)
    allowed[:, :queries, tokens - inside.shape[2] :] = inside
    return allowed.unsqueeze(1)
