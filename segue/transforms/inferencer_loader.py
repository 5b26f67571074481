"""InferencerLoader: a path or a picture in memory, whichever is given."""

from __future__ import annotations

from typing import Any

import numpy as np

from segue.errors import InputError
from segue.transforms.load_image_from_file import LoadImageFromFile
from segue.transforms.load_image_from_ndarray import LoadImageFromNDArray
from segue.types import Sample


class InferencerLoader:
    """Load a path, an array, or a sample that holds ``img_path`` or ``img``. Takes any number of bands and any dtype.

    Args:
        to_float32: see `LoadImageFromFile`, as the next two.
        color_type: of files.
        imdecode_backend: of files.
    """

    def __init__(self, to_float32: bool = False, color_type: str = "color", imdecode_backend: str = "cv2") -> None:
        self.from_file = LoadImageFromFile(to_float32, color_type, imdecode_backend)
        self.from_array = LoadImageFromNDArray(to_float32)

    def __call__(self, given: Any) -> Sample | None:
        """The sample with its image."""
        if isinstance(given, str):
            given = {"img_path": given}
        elif isinstance(given, np.ndarray):
            given = {"img": given}
        if not isinstance(given, dict):
            raise InputError(f"InferencerLoader: takes a path, an array or a sample, got {type(given).__name__}")
        return self.from_array(given) if given.get("img") is not None else self.from_file(given)
