"""A backbone, perhaps a neck, a head, and perhaps auxiliary heads that only train."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from torch import Tensor, nn

from segue.models.coarse import defined_below, resizes_only
from segue.models.seg_data_preprocessor import SegDataPreProcessor
from segue.models.void import targets_of
from segue.types import Backbone, Head, Neck, Targets, TestOptions


class EncoderDecoder(nn.Module):
    """The usual segmentor.

    Args:
        backbone: image to feature maps.
        decode_head: feature maps to logits.
        neck: feature maps to feature maps.
        auxiliary_head: one or more heads whose losses are added in training and which prediction skips.
        data_preprocessor: turns a batch as the loader gives it into the input; not used by ``forward``.
        test: how evaluation looks at an image: whole, or in overlapping crops.
    """

    def __init__(
        self,
        *,
        backbone: Backbone,
        decode_head: Head,
        neck: Neck | None = None,
        auxiliary_head: Head | Sequence[Head] | None = None,
        data_preprocessor: SegDataPreProcessor | None = None,
        test: TestOptions | None = None,
    ) -> None:
        super().__init__()
        self.data_preprocessor = data_preprocessor
        self.backbone = backbone
        self.neck = neck
        self.decode_head = decode_head
        #: a module, a list of modules, or None
        self.auxiliary_head: Any = auxiliary_head
        if isinstance(auxiliary_head, Sequence):
            self.auxiliary_head = nn.ModuleList(cast(Sequence[nn.Module], auxiliary_head))
        self.test = test or TestOptions()

    @property
    def head(self) -> Head:
        """The head whose logits are the model's."""
        return self.decode_head

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return self.head.num_classes

    def extract_feat(self, inputs: Tensor) -> Sequence[Tensor]:
        """Preprocessed images (B, C, H, W) to the feature maps that the heads read, finest first."""
        features = self.backbone(inputs)
        return self.neck(features) if self.neck else features

    def forward(self, inputs: Tensor) -> Tensor:
        """Preprocessed images (B, C, H, W) to logits (B, classes, H', W') at the head's resolution."""
        return self.decode_head(self.extract_feat(inputs))

    def encode_decode(self, inputs: Tensor) -> Tensor:
        """Preprocessed images (B, C, H, W) to logits (B, classes, H, W)."""
        return self.decode_head.predict(self.extract_feat(inputs), inputs.shape[-2:])  # type: ignore[arg-type]

    def coarse(self, inputs: Tensor) -> Tensor:
        """Preprocessed images (B, C, H, W) to logits (B, classes, H', W') whose bilinear resize to (H, W)
        ``encode_decode`` returns: those at the head's resolution, where nothing but a resize follows them.
        """
        head, size = self.decode_head, inputs.shape[-2:]
        if defined_below(type(self), "encode_decode", "coarse") or not resizes_only(head):
            return self.encode_decode(inputs)
        return head.coarse(self.extract_feat(inputs), size)  # type: ignore[attr-defined,no-any-return]

    def loss(self, inputs: Tensor, targets: Targets) -> dict[str, Tensor]:
        """Losses by name (``decode.loss_ce``, ``aux.loss_ce`` ...) of preprocessed images (B, C, H, W).

        The training loss is the sum of the entries whose name contains ``loss``; the others are for the log.
        """
        features = self.extract_feat(inputs)
        return self.decode_loss(features, targets) | self.auxiliary_loss(features, targets)

    def decode_loss(self, features: Sequence[Tensor], targets: Targets) -> dict[str, Tensor]:
        """Losses of the decode head, prefixed ``decode``."""
        return prefixed("decode", self.decode_head.loss(features, targets_of(self.decode_head, targets)))

    def auxiliary_loss(self, features: Sequence[Tensor], targets: Targets) -> dict[str, Tensor]:
        """Losses of the auxiliary heads, prefixed ``aux``, or ``aux_0``, ``aux_1`` ... where there is a list."""
        if self.auxiliary_head is None:
            return {}
        if not isinstance(self.auxiliary_head, nn.ModuleList):
            return prefixed("aux", self.auxiliary_head.loss(features, targets_of(self.auxiliary_head, targets)))
        losses: dict[str, Tensor] = {}
        for i, head in enumerate(cast(list[Any], self.auxiliary_head)):
            losses |= prefixed(f"aux_{i}", head.loss(features, targets_of(head, targets)))
        return losses


def prefixed(prefix: str, losses: dict[str, Tensor]) -> dict[str, Tensor]:
    """``{"loss_ce": x}`` to ``{"decode.loss_ce": x}``."""
    return {f"{prefix}.{name}": value for name, value in losses.items()}
