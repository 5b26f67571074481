"""Normalize: mean and standard deviation, in the pipeline instead of in the model's preprocessor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segue.transforms.arguments import band_count, image_of, is_real, refuse
from segue.types import Sample


class Normalize:
    """Subtract ``mean`` and divide by ``std``, band by band; records ``img_norm_cfg``.

    Takes any number of bands, as many as ``mean`` has (of 3 if they are to be swapped), and any dtype; gives float32.

    Args:
        mean: one number per band, in the order of the result.
        std: one positive number per band.
        to_rgb: swap the first and the last of three bands before, BGR to RGB.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float], to_rgb: bool = True) -> None:
        for name, values in (("mean", mean), ("std", std)):
            if not isinstance(values, Sequence | np.ndarray) or not all(is_real(value) for value in values):
                raise refuse(self, name, "one number per band", values)
        if len(std) != len(mean) or not all(value > 0 for value in std):
            raise refuse(self, "std", f"{len(mean)} positive numbers, as many as mean has", std)
        self.mean = np.array(mean, dtype=np.float32)
        self.std = np.array(std, dtype=np.float32)
        self.to_rgb = to_rgb

    def __call__(self, sample: Sample) -> Sample:
        """Normalize the image."""
        image = image_of(self, sample)
        bands = band_count(image)
        if bands != len(self.mean):
            raise refuse(self, "mean", f"{bands} numbers for an image of {bands} bands", self.mean.tolist())
        if self.to_rgb and bands == 3:
            image = image[:, :, ::-1]
        elif self.to_rgb and bands != 1:
            raise refuse(self, "to_rgb", f"False for an image of {bands} bands", True)
        # the mean as float64, as OpenCV subtracts it; the reciprocal is multiplied, as the reference does
        scale = (1 / self.std.astype(np.float64)).astype(np.float64)
        sample["img"] = ((image.astype(np.float32) - self.mean) * scale).astype(np.float32)
        sample["img_norm_cfg"] = {"mean": self.mean, "std": self.std, "to_rgb": self.to_rgb}
        return sample
