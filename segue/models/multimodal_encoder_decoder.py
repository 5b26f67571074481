"""A segmentor of two encoders: the image's features are compared with the names of the classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from torch import Tensor, nn
from torch.nn import functional as F

from segue.errors import InputError
from segue.models.clip_text_encoder import CLIPTextEncoder
from segue.models.encoder_decoder import prefixed
from segue.models.seg_data_preprocessor import SegDataPreProcessor
from segue.models.void import targets_of
from segue.types import Backbone, Head, Targets, TestOptions


class MultimodalEncoderDecoder(nn.Module):
    """A segmentor whose head gets the image, its features and the vectors of the classes.

    Args:
        image_encoder: image to feature maps.
        text_encoder: the vectors of the classes.
        decode_head: all of these to masks.
        data_preprocessor: turns a batch as the loader gives it into the input; not used by ``forward``.
        test: how evaluation looks at an image: whole, or in overlapping crops.
        asymetric_input: resize the image for its encoder by ``encoder_resolution``; the spelling is the config's.
        encoder_resolution: factor of that resize.

    Raises:
        InputError: ``asymetric_input`` without ``encoder_resolution``.
    """

    def __init__(
        self,
        *,
        image_encoder: Backbone,
        text_encoder: CLIPTextEncoder,
        decode_head: Head,
        data_preprocessor: SegDataPreProcessor | None = None,
        test: TestOptions | None = None,
        asymetric_input: bool = True,
        encoder_resolution: float | None = None,
    ) -> None:
        super().__init__()
        if asymetric_input and encoder_resolution is None:
            raise InputError("MultimodalEncoderDecoder: asymetric_input=True needs encoder_resolution, a factor")
        self.data_preprocessor = data_preprocessor
        self.image_encoder = image_encoder
        self.text_encoder = text_encoder
        self.decode_head = decode_head
        self.test = test or TestOptions()
        self.resolution = encoder_resolution if asymetric_input else None

    @property
    def head(self) -> Head:
        """The head whose logits are the model's."""
        return self.decode_head

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return self.head.num_classes

    def extract_feat(self, inputs: Tensor) -> Sequence[Tensor]:
        """Preprocessed images (B, C, H, W) to what the head reads: these, their features, the classes' vectors."""
        image = inputs
        if self.resolution is not None:
            image = F.interpolate(inputs, scale_factor=self.resolution, mode="bilinear")
        return cast(Sequence[Tensor], (inputs, self.image_encoder(image), self.text_encoder()))

    def forward(self, inputs: Tensor) -> Tensor:
        """Preprocessed images (B, C, H, W) to scores (B, classes, H', W') at the head's resolution."""
        return self.decode_head(self.extract_feat(inputs))

    def encode_decode(self, inputs: Tensor) -> Tensor:
        """Preprocessed images (B, C, H, W) to scores (B, classes, H, W)."""
        return self.decode_head.predict(self.extract_feat(inputs), inputs.shape[-2:])  # type: ignore[arg-type]

    def loss(self, inputs: Tensor, targets: Targets) -> dict[str, Tensor]:
        """Losses of the head by name, prefixed ``decode``."""
        return prefixed(
            "decode", self.decode_head.loss(self.extract_feat(inputs), targets_of(self.decode_head, targets))
        )
