"""What EoMT and PMT share: queries among the tokens of a ViT, which in training look only inside their masks, less and
less often (EoMT, arXiv:2503.19108, section 3.3). In prediction they look everywhere, and predict once.

Deviations: images of any shape; where they are completed to whole patches, masks are cut back, and labels completed
with ignored ones.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.errors import InputError
from segue.layers.mask_head import Masks
from segue.layers.portable import missing
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


class QuerySegmentor(EncoderDecoder):
    """A ViT and a head of queries; a subclass writes ``masks``, which goes `through` the blocks that have queries.

    Args:
        backbone: a `DinoVisionTransformer`.
        decode_head: an `EoMTHead`, or one derived from it, of the backbone's width and patch size.
        num_blocks: blocks that the queries go through.
        masked_attention: whether queries look only inside their masks in training.
        annealing: when that ends; None: ``evenly``, once it is known how long training is.
        data_preprocessor, test: as in ``EncoderDecoder``.

    Raises:
        InputError: annealing of another number of blocks.
    """

    def __init__(
        self,
        *,
        backbone: Backbone,
        decode_head: Head,
        num_blocks: int,
        masked_attention: bool,
        annealing: Annealing | None,
        data_preprocessor: SegDataPreProcessor | None,
        test: TestOptions | None,
    ) -> None:
        name = type(self).__name__
        if annealing is not None and len(annealing.starts) != num_blocks:
            raise InputError(f"{name}: annealing has {len(annealing.starts)} phases for num_blocks={num_blocks}")
        super().__init__(backbone=backbone, decode_head=decode_head, data_preprocessor=data_preprocessor, test=test)
        self.num_blocks, self.patch = num_blocks, cast(Any, backbone).patch_embed.patch[0]
        self.masked_attention, self.annealing = masked_attention, annealing
        #: how many of the queries are masked in each of the blocks, of 1
        self.shares = [float(masked_attention)] * num_blocks

    def evenly(self, total: int) -> Annealing:
        """The phases where none are given."""
        return Annealing.even(self.num_blocks, total)

    def anneal(self, iteration: int, total: int) -> None:
        """Before a training iteration, counted from 0, of ``total``: set how many queries are masked in each block."""
        if self.annealing is not None and iteration == 0 and total < max(self.annealing.ends):
            logging.getLogger("segue").warning(
                f"annealing.ends={list(self.annealing.ends)}, but training has only {total} iterations: attention "
                "stays masked to the end, and prediction, which masks nothing, is another model; without it, the "
                "phases follow the training's length"
            )
        if self.masked_attention:
            self.shares = (self.annealing or self.evenly(total)).shares(iteration)

    def extract_feat(self, inputs: Tensor) -> Sequence[Tensor]:
        """Preprocessed images (B, C, H, W) to a list of the masks that count in prediction, which the head reads."""
        return cast(Sequence[Tensor], self.masks(inputs, every=False))

    def masks(self, inputs: Tensor, every: bool = True) -> list[Masks]:
        """Masks after the last block; with ``every``, also before each of the blocks, first to last.

        ``every`` is of training: in its mode, queries are masked by what was found before.
        """
        raise NotImplementedError(f"{type(self).__name__} must define masks(inputs, every)")

    def through(
        self,
        blocks: Sequence[nn.Module],
        norm: nn.Module,
        x: Tensor,
        size: Size,
        rope: tuple[Tensor, Tensor] | None,
        every: bool,
    ) -> list[Masks]:
        """What ``masks`` returns, of tokens (B, prefix + h * w, D) of a grid (h, w), before which the queries are put.

        ``norm`` is applied before each prediction.
        """
        head, prefix = cast(Any, self.decode_head), cast(Any, self.backbone).prefix_tokens
        x = torch.cat([head.q.weight.to(x.dtype).expand(x.shape[0], -1, -1), x], dim=1)
        found: list[Masks] = []
        for i, block in enumerate(blocks):
            mask = None
            if every:
                found.append(head.read(norm(x), prefix, size))
                if self.training and self.shares[i] > 0:
                    mask = attention_mask(found[-1].masks, size, x.shape[1], self.shares[i])
            x = block(x, rope, mask)
        return [*found, head.read(norm(x), prefix, size)]

    def encode_decode(self, inputs: Tensor) -> Tensor:
        """Preprocessed images (B, C, H, W) to scores (B, classes, H, W)."""
        height, width = inputs.shape[-2:]
        whole = (height + missing(height, self.patch), width + missing(width, self.patch))
        scores = self.decode_head.predict(self.extract_feat(inputs), whole)
        if not torch.compiler.is_exporting() and whole == (height, width):
            return scores
        return F.pad(scores, (0, width - whole[1], 0, height - whole[0]))  # a slice makes exports ask if it is one

    def loss(self, inputs: Tensor, targets: Targets) -> dict[str, Tensor]:
        """Losses of every prediction by name, prefixed ``decode``; ``masked_0`` ... are shares of masked queries."""
        height, width = targets.labels.shape[-2:]
        lacking = (0, missing(width, self.patch), 0, missing(height, self.patch))
        if any(lacking):
            ignored = cast(Any, self.decode_head).ignore_index
            targets = Targets(labels=F.pad(targets.labels, lacking, value=ignored), metas=targets.metas)
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


def fitting(name: str, backbone: Backbone, decode_head: Head) -> tuple[Any, Any]:
    """Backbone and head of the model ``name``, once it is clear that they fit each other.

    Raises:
        InputError: they are of another kind, or of two widths or sizes of patches.
    """
    encoder, head = cast(Any, backbone), cast(Any, decode_head)
    if not all(hasattr(encoder, part) for part in ("tokens", "levels", "prefix_tokens")):
        raise InputError(f"{name}: backbone must be a DinoVisionTransformer, which {type(backbone).__name__} is not")
    if getattr(head, "model", None) != name:
        article = "an" if name == "EoMT" else "a"
        raise InputError(f"{name}: decode_head must be {article} {name}Head, which {type(decode_head).__name__} is not")
    width, patch = encoder.norm.normalized_shape[0], encoder.patch_embed.patch[0]
    if (head.in_channels, head.patch_size) != (width, patch):
        raise InputError(
            f"{name}: decode_head has in_channels={head.in_channels} and patch_size={head.patch_size}; "
            f"the backbone needs {width} and {patch}"
        )
    return encoder, head
