"""CLAHE: histogram equalization by tiles, with limited contrast."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from segue.transforms.arguments import image_of, int_pair, is_real, refuse
from segue.types import Sample


class CLAHE:
    """Equalize every band of the image by itself.

    Takes any number of bands; uint8 or uint16 (the reference wraps 16-bit values to 8).

    Args:
        clip_limit: how far contrast may grow.
        tile_grid_size: tiles across and down, (W, H).
    """

    DTYPES = ("uint8", "uint16")
    INSTEAD = "leave to_float32 out of the loading step, or Normalize after this step"

    def __init__(self, clip_limit: float = 40.0, tile_grid_size: Sequence[int] = (8, 8)) -> None:
        if not is_real(clip_limit) or clip_limit < 0:
            raise refuse(self, "clip_limit", "a number from 0", clip_limit)
        self.clip_limit = float(clip_limit)
        self.tile_grid_size = int_pair(self, "tile_grid_size", tile_grid_size, "(W, H)")

    def __call__(self, sample: Sample) -> Sample:
        """Equalize."""
        image = image_of(self, sample)
        equalizer = cv2.createCLAHE(clipLimit=self.clip_limit, tileGridSize=self.tile_grid_size)
        if image.ndim == 2:
            sample["img"] = equalizer.apply(image)
        else:
            bands = [equalizer.apply(np.ascontiguousarray(image[:, :, i])) for i in range(image.shape[2])]
            sample["img"] = np.stack(bands, axis=-1)
        return sample
