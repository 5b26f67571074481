"""Where in a region its name is best written."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


def inside(mask: NDArray[Any], box: tuple[int, int]) -> tuple[int, int] | None:
    """The center of a box of text, (x, y), that lies in the largest connected part of a mask.

    The whole box is in the part where it has room for it, as deep as can be; else the center is where the part is
    widest. The mean of its pixels may lie outside of it.

    Args:
        mask: (H, W), true in the region.
        box: width and height of the text in pixels.

    Returns:
        None where the mask is empty.
    """
    found, parts, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if found < 2:
        return None
    part = (parts == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))).astype(np.uint8)
    room = cv2.erode(part, np.ones((box[1] | 1, box[0] | 1), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    best = _deepest(room if room.any() else part)
    return int(best[1]), int(best[0])


def _deepest(mask: NDArray[Any]) -> tuple[int, ...]:
    """Row and column farthest from the border of a mask, the image's frame included."""
    framed = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    depth = cv2.distanceTransform(framed, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    return tuple(int(v) for v in np.unravel_index(int(depth.argmax()), depth.shape))
