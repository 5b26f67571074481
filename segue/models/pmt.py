"""PMT: a mask decoder on a frozen plain ViT (Cavagnero et al. 2026, arXiv:2603.25398), on DINOv2 or DINOv3.

The encoder stays as it is, so that other tasks can use it, too: its blocks see no queries. `segue.heads.pmt` sums what
some of them give; there queries join, and six blocks take the part that EoMT gives to the encoder's last ones, with the
same masked attention in training.

Deviations: images of any shape (`segue.models.masked_attention`). Without published times, phases of annealing lie as
those published for ADE20K and COCO do, in parts of the training's length; only the first of these, 3,000 iterations in
both, is 3/20 of it. The authors' DINOv2 has the rotary positions of the decoder stretched in training, as ours.
"""

from __future__ import annotations

from typing import Any, cast

from torch import Tensor

from segue.errors import InputError
from segue.layers.mask_head import Masks
from segue.models.masked_attention import Annealing, QuerySegmentor, fitting
from segue.models.seg_data_preprocessor import SegDataPreProcessor
from segue.types import Backbone, Head, TestOptions


class PMT(QuerySegmentor):
    """The plain mask transformer.

    Args:
        backbone: a `DinoVisionTransformer`, with ``frozen=True`` as published; its ``out_indices`` are the blocks whose
            tokens the decoder reads.
        decode_head: a `PMTHead` of the backbone's width and patch size, and of as many levels.
        masked_attention: whether queries look only inside their masks in training.
        annealing: when that ends; None: phases as the published ones, once it is known how long training is.
        data_preprocessor, test: as in ``EncoderDecoder``.

    Raises:
        InputError: parts that do not fit each other; annealing of another number of blocks.
    """

    def __init__(
        self,
        *,
        backbone: Backbone,
        decode_head: Head,
        masked_attention: bool = True,
        annealing: Annealing | None = None,
        data_preprocessor: SegDataPreProcessor | None = None,
        test: TestOptions | None = None,
    ) -> None:
        encoder, head = fitting("PMT", backbone, decode_head)
        if len(encoder.out_indices) != len(head.bn):
            raise InputError(
                f"PMT: the backbone has out_indices={tuple(encoder.out_indices)}, and decode_head has "
                f"num_levels={len(head.bn)}; they must be as many"
            )
        if encoder.rope is not None and encoder.rope.head_dim != head.rope.head_dim:
            wanted = encoder.rope.head_dim
            raise InputError(
                f"PMT: decode_head's num_heads gives heads of {head.rope.head_dim} channels; the rotary positions of "
                f"the backbone are for {wanted}, which is num_heads={head.in_channels // wanted}"
            )
        super().__init__(
            backbone=backbone,
            decode_head=decode_head,
            num_blocks=len(head.blocks),
            masked_attention=masked_attention,
            annealing=annealing,
            data_preprocessor=data_preprocessor,
            test=test,
        )

    def evenly(self, total: int) -> Annealing:
        """The first block's phase is the beginning; the others' are a sixth of training, and begin one after the other.

        As published for six blocks: from 4/15, 11/30 ... of the training to 13/30, 8/15 ..., the last to 5/6.
        """
        others = [4 / 15 + 2 / 5 * i / max(self.num_blocks - 2, 1) for i in range(self.num_blocks - 1)]
        starts = [0.0, *others]
        ends = [3 / 20, *(start + 1 / 6 for start in others)]
        return Annealing(starts=[round(total * x) for x in starts], ends=[round(total * x) for x in ends])

    def masks(self, inputs: Tensor, every: bool = True) -> list[Masks]:
        """See `QuerySegmentor.masks`; the blocks are the decoder's."""
        encoder, head = cast(Any, self.backbone), cast(Any, self.decode_head)
        x, size = encoder.tokens(inputs)
        rope = encoder.rope(size, x) if encoder.rope is not None else None
        x = head.fuse(encoder.levels(x, rope))
        return self.through(
            head.blocks, head.decoder_norm, x, size, head.rope(size, x) if rope is None else rope, every
        )
