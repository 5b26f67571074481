"""Pixels near the borders of classes, as boundary IoU takes them (Cheng et al. 2021, arXiv:2103.16562, section 4)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from segue.images.read import Array


def near_border(labels: Array, distance: int) -> NDArray[np.bool_]:
    """Where a pixel has another label within ``distance`` rows and columns, or the edge of the map: (H, W).

    These are the pixels that erosion by a square of 2 * distance + 1 takes from the mask of their class, for all
    classes at once.

    Args:
        labels: (H, W) of 0 .. 65535.
        distance: in pixels, at least 1.
    """
    small = labels.astype(np.uint8 if labels.dtype == np.uint8 else np.uint16, copy=False)
    square = np.ones((2 * distance + 1, 2 * distance + 1), np.uint8)
    near: NDArray[np.bool_] = cv2.dilate(small, square) != cv2.erode(small, square)
    near[:distance] = near[-distance:] = True
    near[:, :distance] = near[:, -distance:] = True
    return near
