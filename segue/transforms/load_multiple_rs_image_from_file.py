"""LoadMultipleRSImageFromFile: a place at two times, for change detection."""

from __future__ import annotations

import numpy as np

from segue.errors import DataError, InputError
from segue.transforms.load_single_rs_image_from_file import read_rs_image
from segue.types import Sample


class LoadMultipleRSImageFromFile:
    """Read ``img_path`` and ``img_path2`` into ``img`` and ``img2``, bands as in the files; records the shapes.

    Takes what `LoadSingleRSImageFromFile` takes; the two must agree in size and bands.

    Args:
        to_float32: convert to float32 (values stay as stored).
    """

    def __init__(self, to_float32: bool = True) -> None:
        self.to_float32 = to_float32

    def __call__(self, sample: Sample) -> Sample:
        """Add the images."""
        for key in ("img_path", "img_path2"):
            if not sample.get(key):
                raise InputError(f"LoadMultipleRSImageFromFile: the sample has no {key!r}; use a change dataset")
        first, second = (read_rs_image(sample[key]) for key in ("img_path", "img_path2"))
        if first.shape != second.shape:
            raise DataError(
                f"{sample['img_path']} is {first.shape} and {sample['img_path2']} {second.shape} (H, W, bands); the "
                "two pictures of a place must agree"
            )
        sample["img"] = first.astype(np.float32) if self.to_float32 else first
        sample["img2"] = second.astype(np.float32) if self.to_float32 else second
        sample["img_shape"] = sample["ori_shape"] = first.shape[:2]
        return sample
