"""EoMT: a plain ViT that segments (Kerssies et al. 2025, arXiv:2503.19108), on DINOv2 or DINOv3.

Queries join the tokens of the encoder's last blocks; a head reads masks and classes from both. In training, before each
of these blocks, masks are predicted too, and queries look only inside theirs, less and less often (section 3.3). In
prediction there are neither.

Deviations: images of any shape (`segue.models.masked_attention`). Without published times, the phases of annealing
share the training evenly.
"""

from __future__ import annotations

from typing import Any, cast

from torch import Tensor

from segue.errors import InputError
from segue.layers.mask_head import Masks
from segue.models.masked_attention import Annealing, QuerySegmentor, fitting
from segue.models.seg_data_preprocessor import SegDataPreProcessor
from segue.types import Backbone, Head, TestOptions


class EoMT(QuerySegmentor):
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
        encoder, _ = fitting("EoMT", backbone, decode_head)
        depth = len(encoder.blocks)
        usual = min(3 if depth <= 12 else 4 if depth <= 24 else 5, depth)
        blocks = usual if num_blocks is None else num_blocks
        if not 1 <= blocks <= depth:
            raise InputError(f"EoMT: num_blocks={blocks}; the backbone has {depth} blocks, and it must be 1 or more")
        super().__init__(
            backbone=backbone,
            decode_head=decode_head,
            num_blocks=blocks,
            masked_attention=masked_attention,
            annealing=annealing,
            data_preprocessor=data_preprocessor,
            test=test,
        )

    def masks(self, inputs: Tensor, every: bool = True) -> list[Masks]:
        """See `QuerySegmentor.masks`; the blocks are the encoder's last."""
        encoder = cast(Any, self.backbone)
        x, size = encoder.tokens(inputs)
        rope = encoder.rope(size, x) if encoder.rope is not None else None
        first = len(encoder.blocks) - self.num_blocks
        for block in encoder.blocks[:first]:
            x = block(x, rope, None)
        return self.through(encoder.blocks[first:], encoder.norm, x, size, rope, every)
