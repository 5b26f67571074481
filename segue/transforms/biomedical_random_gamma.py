"""BioMedicalRandomGamma: a random gamma curve over the range of the values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segue.images.read import Array
from segue.transforms.arguments import probability, real_pair, refuse, volume_of
from segue.types import Sample


class BioMedicalRandomGamma:
    """Bend the values between the smallest and the largest: v -> low + range ((v - low) / range)^gamma.

    Takes (C, Z, Y, X), float32 or float64.

    Args:
        prob: probability of doing so.
        gamma_range: (low, high); below and above 1 are equally likely where both are possible.
        invert_image: bend the negated volume, and negate back.
        per_channel: draw a gamma and take the range for each channel.
        retain_stats: scale and shift the result to the mean and standard deviation of before.
    """

    DTYPES = ("float32", "float64")

    def __init__(
        self,
        prob: float = 0.5,
        gamma_range: Sequence[float] = (0.5, 2),
        invert_image: bool = False,
        per_channel: bool = False,
        retain_stats: bool = False,
    ) -> None:
        self.prob = probability(self, "prob", prob)
        self.gamma_range = real_pair(self, "gamma_range", gamma_range)
        if self.gamma_range[0] <= 0:
            raise refuse(self, "gamma_range", "positive", gamma_range)
        self.invert_image = invert_image
        self.per_channel = per_channel
        self.retain_stats = retain_stats

    def __call__(self, sample: Sample) -> Sample:
        """Draw whether and how far; bend."""
        volume = volume_of(self, sample)
        if np.random.rand() >= self.prob:
            return sample
        values = -volume if self.invert_image else volume
        bent = np.stack([self._bent(channel) for channel in values]) if self.per_channel else self._bent(values)
        sample["img"] = (-bent if self.invert_image else bent).astype(volume.dtype, copy=False)
        return sample

    def _bent(self, values: Array) -> Array:
        lowest, highest = self.gamma_range
        if np.random.random() < 0.5 and lowest < 1:
            gamma = np.random.uniform(lowest, 1)
        else:
            gamma = np.random.uniform(max(lowest, 1), highest)
        low, extent = values.min(), values.max() - values.min()
        bent: Array = np.power((values - low) / float(extent + 1e-7), gamma) * extent + low
        if self.retain_stats:
            bent = bent - bent.mean()
            bent = bent / (bent.std() + 1e-8) * values.std() + values.mean()
        return bent
