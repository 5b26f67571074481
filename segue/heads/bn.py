"""Linear probe of DINOv2 (arXiv:2304.07193) and DINOv3 (arXiv:2508.10104): batch normalization, then the classes."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from segue.errors import InputError
from segue.layers.decode_head import DecodeHead, HeadOptions
from segue.layers.norm import BN


class BNHead(DecodeHead):
    """Normalize the selected map or maps (``resize_concat``), and classify each pixel.

    Raises:
        InputError: ``channels`` is not the width of what is classified.
    """

    def __init__(self, options: HeadOptions) -> None:
        super().__init__(options)
        if self.in_channels != self.channels:
            raise InputError(f"BNHead: channels={self.channels} must be the width of its input, {self.in_channels}")
        self.bn = (self.norm or BN)(self.channels)

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        """Feature maps to what is classified: (B, channels, H', W')."""
        return self.bn(self.select(features))
