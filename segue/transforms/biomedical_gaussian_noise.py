"""BioMedicalGaussianNoise."""

from __future__ import annotations

import numpy as np

from segue.transforms.arguments import is_real, probability, refuse, volume_of
from segue.types import Sample


class BioMedicalGaussianNoise:
    """Add normal noise, with some probability, of a strength drawn between 0 and ``std``.

    Takes (C, Z, Y, X), float32 or float64.

    Args:
        prob: probability of doing so.
        mean: of the noise.
        std: largest standard deviation, in the units of the volume.
    """

    DTYPES = ("float32", "float64")

    def __init__(self, prob: float = 0.1, mean: float = 0.0, std: float = 0.1) -> None:
        self.prob = probability(self, "prob", prob)
        if not is_real(mean):
            raise refuse(self, "mean", "a number", mean)
        if not is_real(std) or std < 0:
            raise refuse(self, "std", "a number from 0", std)
        self.mean = mean
        self.std = std

    def __call__(self, sample: Sample) -> Sample:
        """Draw whether and how strong; add."""
        volume = volume_of(self, sample)
        if np.random.rand() < self.prob:
            strength = np.random.uniform(0, self.std)
            sample["img"] = volume + np.random.normal(self.mean, strength, volume.shape).astype(volume.dtype)
        return sample
