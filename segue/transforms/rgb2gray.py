"""RGB2Gray: one weighted sum of the bands, repeated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segue.transforms.arguments import band_count, image_of, is_int, is_real, refuse
from segue.types import Sample


class RGB2Gray:
    """Replace the bands by their weighted sum.

    Takes any number of bands, as many as ``weights`` has, and any dtype; gives float32 (the reference: float64).

    Args:
        out_channels: how often the sum is repeated; None keeps the number of bands.
        weights: one number per band, in the order of the bands, which is BGR for images read as ``color``.
    """

    def __init__(self, out_channels: int | None = None, weights: Sequence[float] = (0.299, 0.587, 0.114)) -> None:
        if out_channels is not None and (not is_int(out_channels) or out_channels < 1):
            raise refuse(self, "out_channels", "None or a positive integer", out_channels)
        if not isinstance(weights, Sequence) or not weights or not all(is_real(weight) for weight in weights):
            raise refuse(self, "weights", "one number per band", weights)
        self.out_channels = out_channels
        self.weights = tuple(float(weight) for weight in weights)

    def __call__(self, sample: Sample) -> Sample:
        """Sum up and repeat."""
        image = image_of(self, sample)
        bands = band_count(image)
        if bands != len(self.weights):
            raise refuse(self, "weights", f"{bands} numbers for an image of {bands} bands", self.weights)
        gray = (image.reshape(*image.shape[:2], bands) * np.array(self.weights)).sum(axis=2, keepdims=True)
        sample["img"] = gray.astype(np.float32).repeat(self.out_channels or bands, axis=2)
        sample["img_shape"] = gray.shape[:2]
        return sample
