"""LoadImageFromFile: the first step of every pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import numpy as np

from segue.errors import DataError, InputError
from segue.images.read import Backend, ColorType, read_image
from segue.images.window import EVERYTHING, AsFloat, PartialImage, open_image
from segue.transforms.arguments import local_files_only, one_of
from segue.types import Sample


class LoadImageFromFile:
    """Read ``img_path`` into ``img``, and record ``img_shape`` and ``ori_shape`` (H, W).

    A dataset with a ``pack`` (`segue.packs`) has the pixels from there.

    Args:
        to_float32: convert to float32 (values stay as stored).
        color_type: ``color`` gives BGR uint8; ``grayscale`` one channel; ``unchanged`` what is stored (16-bit stays).
        imdecode_backend: ``cv2`` (as the published numbers) or ``pillow``.
        file_client_args: accepted for old configs; only the local disk.
        ignore_empty: drop a sample whose file cannot be read instead of stopping.
        backend_args: as ``file_client_args``.
        whole: decode and resize all of every image, also where the pipeline then crops it (`segue.transforms.fused`).
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
        whole: bool = False,
    ) -> None:
        local_files_only(self, file_client_args=file_client_args, backend_args=backend_args)
        self.to_float32 = to_float32
        self.color_type = one_of(self, "color_type", color_type, get_args(ColorType))
        self.imdecode_backend = one_of(self, "imdecode_backend", imdecode_backend, get_args(Backend))
        self.ignore_empty = ignore_empty
        self.whole = whole

    def __call__(self, sample: Sample) -> Sample | None:
        """Add the image, or None if it cannot be read and ``ignore_empty`` is set."""
        path = self._path(sample)
        try:
            if sample.get("pack") is None:
                image = read_image(path, self.color_type, self.imdecode_backend)
            else:
                image = sample["pack"].image(path, self.color_type, self.imdecode_backend).read(EVERYTHING)
        except DataError:
            if self.ignore_empty:
                return None
            raise
        sample["img"] = image.astype(np.float32) if self.to_float32 else image
        sample["img_shape"] = sample["ori_shape"] = image.shape[:2]
        return sample

    def open(self, sample: Sample) -> PartialImage:
        """The image that a call would add, of which a window can be read."""
        path, image = self._path(sample), None
        if sample.get("pack") is not None:
            image = sample["pack"].image(path, self.color_type, self.imdecode_backend)
        image = image or open_image(path, self.color_type, self.imdecode_backend)
        return AsFloat(image) if self.to_float32 else image

    @staticmethod
    def _path(sample: Sample) -> str:
        if not sample.get("img_path"):
            raise InputError("LoadImageFromFile: the sample has no 'img_path'")
        path: str = sample["img_path"]
        return path
