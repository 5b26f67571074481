"""The head of DDRNet (arXiv:2101.06085, section 3.4): one classifier, and an auxiliary one that only trains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, nn

from segue.errors import InputError
from segue.layers.accuracy import pixel_accuracy
from segue.layers.decode_head import DecodeHead, HeadOptions
from segue.layers.norm import BN
from segue.layers.pre_conv import PreConv
from segue.layers.resize import resize
from segue.types import Targets


class DDRHead(DecodeHead):
    """Classifies the last of DDRNet's maps; in training its first one too.

    ``loss_decode`` holds two losses: of the logits (logged as ``loss_context``) and of the auxiliary ones
    (``loss_spatial``).

    Raises:
        InputError: another number of losses.
    """

    MULTILABEL: ClassVar[bool] = True  # its own loss takes several classes per pixel as well

    def __init__(self, options: HeadOptions) -> None:
        super().__init__(options)
        if self.loss_decode and len(self.loss_decode) != 2:
            raise InputError(f"DDRHead: loss_decode holds {len(self.loss_decode)} losses; it needs 2")
        self.head = self._branch(self.in_channels)
        self.aux_head = self._branch(self.in_channels // 2)
        self.aux_cls_seg = nn.Conv2d(self.channels, self.out_channels, kernel_size=1)
        for classifier in (self.conv_seg, self.aux_cls_seg):
            classifier.reset_parameters()
            nn.init.kaiming_normal_(classifier.weight, mode="fan_out", nonlinearity="relu")

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        """Feature maps to what is classified: (B, channels, H / 8, W / 8)."""
        return self.head(self.select(features))

    def loss(self, features: Sequence[Tensor], targets: Targets, previous: Tensor | None = None) -> dict[str, Tensor]:
        """``loss_context``, ``loss_spatial`` and the accuracy of the first."""
        if not self.loss_decode:
            raise InputError("DDRHead was made without loss_decode, so it has no loss")
        labels, ignore = targets.labels, self.options.ignore_index
        spatial = self.aux_cls_seg(self.aux_head(features[0]))
        logits = [resize(x, labels.shape[-2:], self.align_corners) for x in (self(features), spatial)]
        context_loss, spatial_loss = (
            loss(x, labels, ignore_index=ignore) for loss, x in zip(self.loss_decode, logits, strict=True)
        )
        return {
            "loss_context": context_loss,
            "loss_spatial": spatial_loss,
            "acc_seg": pixel_accuracy(logits[0], labels, ignore),
        }

    def _branch(self, in_channels: int) -> nn.Sequential:
        norm = self.norm or BN
        return nn.Sequential(
            PreConv(in_channels, self.channels, 3, padding=1, norm=norm, act=self.act),
            norm(self.channels),
            self.act() if self.act else nn.Identity(),
        )
