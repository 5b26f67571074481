"""Generated pictures: nothing here comes from a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest


def picture(height: int = 20, width: int = 26) -> np.ndarray:
    """A BGR uint8 image (H, W, 3) with ramps and edges in every channel."""
    y, x = np.mgrid[0:height, 0:width]
    channels = [(x * 7 + y * 3 + k * 31 + (x * y) // 5 * (k + 1)) % 256 for k in range(3)]
    return np.stack(channels, -1).astype(np.uint8)


def banded(bands: int, dtype: str, height: int = 20, width: int = 26) -> np.ndarray:
    """An image (H, W, bands) of ramps, each band another; uint16 uses all its bits, float32 has fractions."""
    y, x = np.mgrid[0:height, 0:width]
    levels = np.stack([(x * 7 + y * 3 + k * 31 + (x * y) // 5 * (k + 1)) % 256 for k in range(bands)], -1)
    scale = {"uint8": 1, "uint16": 257, "float32": 0.97}[dtype]
    return (levels * scale).astype(dtype)


def label_map(height: int = 20, width: int = 26, classes: int = 5) -> np.ndarray:
    """A uint8 label map (H, W) of rectangles, with a strip of 255 on top."""
    y, x = np.mgrid[0:height, 0:width]
    labels = ((x // 5) + (y // 7)) % classes
    labels[:2] = 255
    return labels.astype(np.uint8)


@pytest.fixture
def sample() -> Callable[..., dict[str, Any]]:
    """A function (height, width) -> sample with a generated image and label map."""

    def make(height: int = 20, width: int = 26, **more: Any) -> dict[str, Any]:
        return {
            "img": picture(height, width),
            "gt_seg_map": label_map(height, width),
            "img_shape": (height, width),
            "ori_shape": (height, width),
            "img_path": "generated.png",
            "seg_fields": ["gt_seg_map"],
            **more,
        }

    return make
