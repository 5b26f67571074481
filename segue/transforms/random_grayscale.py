"""RandomGrayscale."""

from __future__ import annotations

import random
from collections.abc import Sequence

import cv2
import numpy as np

from segue.transforms.arguments import band_count, image_of, is_real, one_of, probability, refuse
from segue.types import Sample


class RandomGrayscale:
    """Replace the bands by their weighted mean, with some probability. A single band stays.

    Takes 1 band, or as many as ``channel_weights`` has; uint8 (of 3 bands for ``hsv``).

    Args:
        prob: probability of doing so.
        keep_channels: repeat the mean for every band, so that the shape stays.
        channel_weights: a weight per band; they are divided by their sum.
        color_format: ``bgr`` or ``rgb``, which the weights follow, or ``hsv``, which is turned to BGR in any case.
    """

    DTYPES = ("uint8",)
    INSTEAD = "leave to_float32 out of the loading step, or use RGB2Gray"

    def __init__(
        self,
        prob: float = 0.1,
        keep_channels: bool = False,
        channel_weights: Sequence[float] = (1.0, 1.0, 1.0),
        color_format: str = "bgr",
    ) -> None:
        self.prob = probability(self, "prob", prob)
        self.keep_channels = keep_channels
        valid = isinstance(channel_weights, Sequence) and all(is_real(w) and w >= 0 for w in channel_weights)
        if not valid or sum(channel_weights) <= 0:
            raise refuse(self, "channel_weights", "numbers from 0, not all 0", channel_weights)
        self.channel_weights = tuple(channel_weights)
        self.color_format = one_of(self, "color_format", color_format, ("bgr", "rgb", "hsv"))

    def __call__(self, sample: Sample) -> Sample:
        """Draw, and take the mean."""
        image = image_of(self, sample)
        bands = band_count(image)
        if bands not in (1, len(self.channel_weights)):
            raise refuse(self, "channel_weights", f"{bands} for an image of {bands} bands", len(self.channel_weights))
        if self.color_format == "hsv":
            if bands != 3:
                raise refuse(self, "color_format", f"bgr or rgb for an image of {bands} bands", "hsv")
            image = cv2.cvtColor(image, cv2.COLOR_HSV2BGR)
        image = image.reshape(*image.shape[:2], bands)
        if random.random() < self.prob and bands > 1:
            gray = (np.divide(self.channel_weights, sum(self.channel_weights)) * image).sum(axis=2).astype(np.uint8)
            image = np.repeat(gray[:, :, None], bands, axis=2) if self.keep_channels else gray
        sample["img"] = image
        return sample
