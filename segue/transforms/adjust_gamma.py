"""AdjustGamma: a fixed gamma curve."""

from __future__ import annotations

import cv2
import numpy as np

from segue.transforms.arguments import image_of, is_real, refuse
from segue.types import Sample


class AdjustGamma:
    """Brighten (gamma above 1) or darken an image: v -> 255 (v / 255)^(1 / gamma), truncated.

    Takes any number of bands; uint8.

    Args:
        gamma: a positive number.
    """

    DTYPES = ("uint8",)
    INSTEAD = "leave to_float32 out of the loading step, or use BioMedicalRandomGamma for other values"

    def __init__(self, gamma: float = 1.0) -> None:
        if not is_real(gamma) or gamma <= 0:
            raise refuse(self, "gamma", "a positive number", gamma)
        self.gamma = float(gamma)
        self.table = ((np.arange(256) / 255.0) ** (1.0 / self.gamma) * 255).astype(np.uint8)

    def __call__(self, sample: Sample) -> Sample:
        """Apply the curve."""
        image = image_of(self, sample)
        sample["img"] = cv2.LUT(np.ascontiguousarray(image), self.table).reshape(image.shape)
        return sample
