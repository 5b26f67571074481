"""PhotoMetricDistortion: SSD's colour jitter."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from segue.images.read import Array
from segue.transforms.arguments import image_of, is_int, is_real, real_pair, refuse
from segue.types import Sample


class PhotoMetricDistortion:
    """Brightness, contrast, saturation and hue, each with probability one half.

    Contrast comes either second or last, which is drawn too. All arithmetic is in float32 and cut off to 0..255 after
    every step; since that is a function of the 256 pixel values, it is applied as a table.

    Takes 3 bands, BGR uint8.

    Args:
        brightness_delta: largest number added or taken away.
        contrast_range: (low, high) of the factor.
        saturation_range: (low, high) of the factor.
        hue_delta: largest shift of the hue, of which OpenCV counts 180.
    """

    BANDS = (3,)
    DTYPES = ("uint8",)
    INSTEAD = "leave it out of the pipeline of other images, and to_float32 out of LoadImageFromFile"

    def __init__(
        self,
        brightness_delta: int = 32,
        contrast_range: Sequence[float] = (0.5, 1.5),
        saturation_range: Sequence[float] = (0.5, 1.5),
        hue_delta: int = 18,
    ) -> None:
        if not is_real(brightness_delta) or brightness_delta < 0:
            raise refuse(self, "brightness_delta", "a number from 0", brightness_delta)
        if not is_int(hue_delta) or hue_delta < 1:
            raise refuse(self, "hue_delta", "an integer from 1", hue_delta)
        self.brightness_delta = brightness_delta
        self.contrast_low, self.contrast_high = real_pair(self, "contrast_range", contrast_range)
        self.saturation_low, self.saturation_high = real_pair(self, "saturation_range", saturation_range)
        self.hue_delta = hue_delta

    def __call__(self, sample: Sample) -> Sample:
        """Distort ``img``, (H, W, 3) BGR uint8."""
        image = image_of(self, sample)
        tables = []
        if np.random.randint(2):
            tables.append(_scaled(offset=np.random.uniform(-self.brightness_delta, self.brightness_delta)))
        contrast_early = np.random.randint(2) == 1
        if contrast_early:
            tables += self._contrast()
        for table in tables[1:]:
            tables = [table[tables[0]]]  # one after the other, as one
        if tables:
            image = cv2.LUT(image, tables[0])
        if np.random.randint(2):
            table = _scaled(factor=np.random.uniform(self.saturation_low, self.saturation_high))
            image = _in_hsv(image, 1, table)
        if np.random.randint(2):
            shift = np.random.randint(-self.hue_delta, self.hue_delta)
            image = _in_hsv(image, 0, ((np.arange(256) + shift) % 180).astype(np.uint8))
        if not contrast_early:
            for table in self._contrast():
                image = cv2.LUT(image, table)
        sample["img"] = image
        return sample

    def _contrast(self) -> list[Array]:
        if np.random.randint(2):
            return [_scaled(factor=np.random.uniform(self.contrast_low, self.contrast_high))]
        return []


def _scaled(factor: float = 1.0, offset: float = 0.0) -> Array:
    """The table of ``value * factor + offset``, cut off to 0..255 and truncated, as float32 arithmetic gives it."""
    values = np.arange(256, dtype=np.float32) * np.float32(factor) + np.float32(offset)
    table: Array = np.clip(values, 0, 255).astype(np.uint8)
    return table


def _in_hsv(image: Array, channel: int, table: Array) -> Array:
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
    cv2.insertChannel(cv2.LUT(cv2.extractChannel(hsv, channel), table), hsv, channel)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR, dst=hsv)
