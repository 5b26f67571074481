"""ConcatCDInput: two pictures of one place become one image of twice the bands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segue.errors import InputError
from segue.transforms.arguments import image_of, refuse
from segue.types import Sample


class ConcatCDInput:
    """Put images on top of each other as ``img``; the other keys are removed.

    Takes any number of bands and any dtype; all must have one size.

    Args:
        input_keys: where the images are, in the order of their bands.
    """

    def __init__(self, input_keys: Sequence[str] = ("img", "img2")) -> None:
        if isinstance(input_keys, str) or not input_keys or not all(isinstance(key, str) for key in input_keys):
            raise refuse(self, "input_keys", "a list of keys", input_keys)
        self.input_keys = tuple(input_keys)

    def __call__(self, sample: Sample) -> Sample:
        """Concatenate along the bands."""
        images = [image_of(self, sample, key) for key in self.input_keys]
        sizes = [image.shape[:2] for image in images]
        if len(set(sizes)) > 1:
            raise InputError(f"ConcatCDInput: {', '.join(self.input_keys)} differ in size (H, W): {sizes}")
        for key in self.input_keys:
            del sample[key]
        sample["img"] = np.concatenate([image.reshape(*image.shape[:2], -1) for image in images], axis=2)
        return sample
