"""LoadImageFromNDArray: a picture that is in memory already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from segue.transforms.arguments import image_of
from segue.transforms.load_image_from_file import LoadImageFromFile
from segue.types import Sample


class LoadImageFromNDArray(LoadImageFromFile):
    """Take ``img`` as it is, and record ``img_shape`` and ``ori_shape``; ``img_path`` becomes None.

    Takes any number of bands and any dtype; three bands are expected to be BGR.

    Args:
        to_float32: convert to float32.
        color_type: accepted for mmseg configs, as the others: nothing is decoded.
        imdecode_backend: without effect.
        file_client_args: without effect.
        ignore_empty: without effect.
        backend_args: without effect.
    """

    def __init__(
        self,
        to_float32: bool = False,
        color_type: str = "color",
        imdecode_backend: str = "cv2",
        file_client_args: Mapping[str, Any] | None = None,
        ignore_empty: bool = False,
        *,
        backend_args: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(
            to_float32, color_type, imdecode_backend, file_client_args, ignore_empty, backend_args=backend_args
        )

    def __call__(self, sample: Sample) -> Sample:
        """Record what is there."""
        image = image_of(self, sample)
        sample["img_path"] = None
        sample["img"] = image.astype(np.float32) if self.to_float32 else image
        sample["img_shape"] = sample["ori_shape"] = image.shape[:2]
        return sample
