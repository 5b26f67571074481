"""Rerange: stretch the values of an image to a range."""

from __future__ import annotations

import numpy as np

from segue.errors import InputError
from segue.transforms.arguments import image_of, is_real, refuse
from segue.types import Sample


class Rerange:
    """Map the smallest value of the whole image to ``min_value`` and the largest to ``max_value``, linearly.

    Takes any number of bands and any dtype; gives float32 (the reference: float64).

    Args:
        min_value: what the darkest pixel becomes.
        max_value: what the brightest becomes.
    """

    def __init__(self, min_value: float = 0, max_value: float = 255) -> None:
        for name, value in (("min_value", min_value), ("max_value", max_value)):
            if not is_real(value):
                raise refuse(self, name, "a number", value)
        if min_value >= max_value:
            raise refuse(self, "max_value", f"larger than min_value={min_value}", max_value)
        self.min_value = min_value
        self.max_value = max_value

    def __call__(self, sample: Sample) -> Sample:
        """Stretch the image."""
        image = image_of(self, sample)
        low, high = float(image.min()), float(image.max())
        if not low < high:
            path = sample.get("img_path", "the image")
            raise InputError(f"Rerange: {path} has the value {low:g} everywhere, which cannot be stretched")
        stretched = (image.astype(np.float64) - low) / (high - low) * (self.max_value - self.min_value)
        sample["img"] = (stretched + self.min_value).astype(np.float32)
        return sample
