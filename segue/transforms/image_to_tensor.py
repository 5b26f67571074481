"""ImageToTensor: images become tensors, bands first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from segue.transforms.arguments import image_of, refuse
from segue.types import Sample


class ImageToTensor:
    """Turn images (H, W) or (H, W, C) into tensors (C, H, W). Takes any number of bands and any dtype.

    Args:
        keys: which entries.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if isinstance(keys, str) or not all(isinstance(key, str) for key in keys):
            raise refuse(self, "keys", "a list of keys", keys)
        self.keys = tuple(keys)

    def __call__(self, sample: Sample) -> Sample:
        """Convert."""
        for key in self.keys:
            image = image_of(self, sample, key)
            bands = image.reshape(*image.shape[:2], -1).transpose(2, 0, 1)
            sample[key] = torch.from_numpy(np.array(bands, order="C"))
        return sample
