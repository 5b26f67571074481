"""A model that predicts a depth for each pixel instead of a class; wired as the segmentor.

Deviation: ``mode="slide"`` slides (the reference then looks at the whole image).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from segue.models.encoder_decoder import EncoderDecoder
from segue.models.seg_data_preprocessor import SegDataPreProcessor
from segue.types import Backbone, Head, Neck, TestOptions


@dataclass(frozen=True, kw_only=True)
class DepthTestOptions:
    """How a depth model looks at an image in evaluation (the config's ``test_cfg``).

    Attributes:
        mode: as for a segmentor; with ``slide_flip`` each window is averaged with its mirror image as well.
        crop_size, stride: (H, W) pixels of a window, and between windows.
    """

    mode: Literal["whole", "slide", "slide_flip"] = "whole"
    crop_size: int | Sequence[int] | None = None
    stride: int | Sequence[int] | None = None


class DepthEstimator(EncoderDecoder):
    """Depths in the unit of the training data; "logits" (B, 1, H, W) of the segmentor are depths here.

    Args:
        backbone, decode_head, neck, auxiliary_head, data_preprocessor: as in ``EncoderDecoder``.
        test: how evaluation looks at an image.
    """

    predicts_depth = True

    def __init__(
        self,
        *,
        backbone: Backbone,
        decode_head: Head,
        neck: Neck | None = None,
        auxiliary_head: Head | Sequence[Head] | None = None,
        data_preprocessor: SegDataPreProcessor | None = None,
        test: DepthTestOptions | None = None,
    ) -> None:
        test = test or DepthTestOptions()
        super().__init__(
            backbone=backbone,
            decode_head=decode_head,
            neck=neck,
            auxiliary_head=auxiliary_head,
            data_preprocessor=data_preprocessor,
            test=TestOptions(
                mode="whole" if test.mode == "whole" else "slide", crop_size=test.crop_size, stride=test.stride
            ),
        )
        self.mirror = test.mode == "slide_flip"

    def encode_decode(self, inputs: Tensor) -> Tensor:
        """Preprocessed images (B, C, H, W) to depths (B, 1, H, W)."""
        depth = super().encode_decode(inputs)
        if not self.mirror:
            return depth
        return (depth + super().encode_decode(inputs.flip(3)).flip(3)) / 2
