"""Heads in a row, each reading the features and the output of the one before (OCRNet, PointRend, K-Net)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from torch import Tensor, nn

from segue.errors import InputError
from segue.layers.points import PointSampling, Subdivision
from segue.models.coarse import defined_below, resizes_only
from segue.models.encoder_decoder import EncoderDecoder, prefixed
from segue.models.seg_data_preprocessor import SegDataPreProcessor
from segue.models.void import targets_of
from segue.types import Backbone, Head, Neck, Targets, TestOptions


class CascadeEncoderDecoder(EncoderDecoder):
    """A segmentor whose ``decode_head`` is a list: the first reads features, the others features and logits.

    The ``forward``, ``predict`` and ``loss`` of the heads after the first take the previous head's logits as last
    argument.

    Args:
        num_stages: number of heads.
        backbone, decode_head, neck, auxiliary_head, data_preprocessor: as in ``EncoderDecoder``.
        train: which points a head that works on points (``PointHead``) is trained on.
        test: as in ``EncoderDecoder``; and how such a head subdivides.

    Raises:
        InputError: ``num_stages`` is not the number of heads, or less than 2.
    """

    def __init__(
        self,
        *,
        num_stages: int,
        backbone: Backbone,
        decode_head: Sequence[Head],
        neck: Neck | None = None,
        auxiliary_head: Head | Sequence[Head] | None = None,
        data_preprocessor: SegDataPreProcessor | None = None,
        train: PointSampling | None = None,
        test: Subdivision | TestOptions | None = None,
    ) -> None:
        if len(decode_head) != num_stages or num_stages < 2:
            raise InputError(
                f"CascadeEncoderDecoder: num_stages={num_stages}, but decode_head lists {len(decode_head)} heads; "
                "they must be equal, and at least 2 (EncoderDecoder takes one)"
            )
        super().__init__(
            backbone=backbone,
            decode_head=cast(Head, nn.ModuleList(cast(Sequence[nn.Module], decode_head))),
            neck=neck,
            auxiliary_head=auxiliary_head,
            data_preprocessor=data_preprocessor,
            test=test,
        )
        for head in self.heads:
            if hasattr(head, "set_point_options"):
                head.set_point_options(train, test if isinstance(test, Subdivision) else None)

    @property
    def heads(self) -> list[Any]:
        """The heads, first to last."""
        return list(cast(nn.ModuleList, self.decode_head))

    @property
    def head(self) -> Head:
        """The last head, whose logits are the model's."""
        last: Head = self.heads[-1]
        return last

    def forward(self, inputs: Tensor) -> Tensor:
        """Preprocessed images (B, C, H, W) to the last head's logits (B, classes, H', W')."""
        features = self.extract_feat(inputs)
        logits: Tensor = self.heads[-1](features, self._before_last(features))
        return logits

    def encode_decode(self, inputs: Tensor) -> Tensor:
        """Preprocessed images (B, C, H, W) to logits (B, classes, H, W)."""
        features = self.extract_feat(inputs)
        logits: Tensor = self.heads[-1].predict(features, inputs.shape[-2:], self._before_last(features))
        return logits

    def coarse(self, inputs: Tensor) -> Tensor:
        """As in ``EncoderDecoder``, of the last head."""
        last = self.heads[-1]
        if defined_below(type(self), "encode_decode", "coarse") or not resizes_only(last):
            return self.encode_decode(inputs)
        features = self.extract_feat(inputs)
        logits: Tensor = last.coarse(features, inputs.shape[-2:], self._before_last(features))
        return logits

    def decode_loss(self, features: Sequence[Tensor], targets: Targets) -> dict[str, Tensor]:
        """Losses of every head, prefixed ``decode_0``, ``decode_1`` ...

        A head's output is computed once: it gives that head's loss and is the next one's input.
        """
        *earlier, last = self.heads
        losses: dict[str, Tensor] = {}
        logits: Tensor | None = None
        for i, head in enumerate(earlier):
            logits = head(features) if logits is None else head(features, logits)
            losses |= prefixed(f"decode_{i}", head.loss_of_logits(logits, targets_of(head, targets)))
        return losses | prefixed(f"decode_{len(earlier)}", last.loss(features, targets_of(last, targets), logits))

    def _before_last(self, features: Sequence[Tensor]) -> Tensor:
        first, *middle = self.heads[:-1]
        logits: Tensor = first(features)
        for head in middle:
            logits = head(features, logits)
        return logits
