"""BioMedicalGaussianBlur."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter

from segue.transforms.arguments import probability, real_pair, refuse, volume_of
from segue.types import Sample


class BioMedicalGaussianBlur:
    """Blur channels by a Gaussian, with some probability for the volume and another for each channel.

    Takes (C, Z, Y, X), float32 or float64.

    Args:
        sigma_range: (low, high) of the standard deviation, in voxels.
        prob: probability for the volume.
        prob_per_channel: probability for each of its channels.
        different_sigma_per_channel: draw anew for each channel.
        different_sigma_per_axis: draw anew for each axis.
    """

    DTYPES = ("float32", "float64")

    def __init__(
        self,
        sigma_range: Sequence[float] = (0.5, 1.0),
        prob: float = 0.2,
        prob_per_channel: float = 0.5,
        different_sigma_per_channel: bool = True,
        different_sigma_per_axis: bool = True,
    ) -> None:
        self.sigma_range = real_pair(self, "sigma_range", sigma_range)
        if self.sigma_range[0] < 0:
            raise refuse(self, "sigma_range", "from 0", sigma_range)
        self.prob = probability(self, "prob", prob)
        self.prob_per_channel = probability(self, "prob_per_channel", prob_per_channel)
        self.different_sigma_per_channel = different_sigma_per_channel
        self.different_sigma_per_axis = different_sigma_per_axis

    def __call__(self, sample: Sample) -> Sample:
        """Draw what to blur and how far; blur."""
        volume = volume_of(self, sample)
        if np.random.rand() >= self.prob:
            return sample
        blurred = volume.copy()
        sigmas: list[float] | None = None
        for channel in range(volume.shape[0]):
            if np.random.rand() < self.prob_per_channel:
                if sigmas is None or self.different_sigma_per_channel:
                    sigmas = self._drawn()
                blurred[channel] = gaussian_filter(volume[channel], sigmas)
        sample["img"] = blurred
        return sample

    def _drawn(self) -> list[float]:
        low, high = self.sigma_range
        if low == high:
            return [low] * 3
        if self.different_sigma_per_axis:
            return [float(np.random.uniform(low, high)) for _ in range(3)]
        return [float(np.random.uniform(low, high))] * 3
