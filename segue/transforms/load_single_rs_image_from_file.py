"""LoadSingleRSImageFromFile: a remote-sensing image of any number of bands."""

from __future__ import annotations

import numpy as np

from segue.errors import InputError
from segue.images.rasters import read_raster
from segue.images.read import IMAGE_SUFFIXES, Array, decode_image, read_bytes
from segue.images.tiff import is_tiff, read_header
from segue.types import Sample


def read_rs_image(path: str) -> Array:
    """(H, W, C) with the bands in the order of the file: RGB for a usual picture, as GDAL gives them."""
    if not str(path).lower().endswith(IMAGE_SUFFIXES):
        return read_raster(path)
    data = read_bytes(path)
    image = decode_image(data, "unchanged", path=path)
    image = image[:, :, None] if image.ndim == 2 else image
    as_stored = data[:6] == b"\x93NUMPY" or (is_tiff(data) and not read_header(data, path).plain)
    if not as_stored and image.shape[2] in (3, 4):  # OpenCV's order is BGR(A)
        image = image[:, :, [2, 1, 0, 3][: image.shape[2]]]
    return np.ascontiguousarray(image)


class LoadSingleRSImageFromFile:
    """Read ``img_path`` into ``img`` (H, W, C), bands as in the file; records ``img_shape`` and ``ori_shape``.

    Takes any number of bands and any dtype: PNG, JPEG, numpy files and TIFFs of gray or RGB(A); by the extra ``geo``
    TIFFs of other bands and whatever else GDAL reads.

    Args:
        to_float32: convert to float32 (values stay as stored).
    """

    def __init__(self, to_float32: bool = True) -> None:
        self.to_float32 = to_float32

    def __call__(self, sample: Sample) -> Sample:
        """Add the image."""
        if not sample.get("img_path"):
            raise InputError("LoadSingleRSImageFromFile: the sample has no 'img_path'")
        image = read_rs_image(sample["img_path"])
        sample["img"] = image.astype(np.float32) if self.to_float32 else image
        sample["img_shape"] = sample["ori_shape"] = image.shape[:2]
        return sample
