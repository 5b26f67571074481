"""Painting with soft edges: noise, coverage masks, blending.

A canvas is (H, W, 3) float32, RGB in 0..255, at ``SCALE`` times the tile's resolution; it is reduced at the end, which
smooths every edge as a lens would. Polygons are given in plan pixels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from segue.convert.town.plan import Points

Canvas: TypeAlias = NDArray[Any]  # float32; a mask is (H, W) in 0..1

SCALE = 2  # painted pixels for each pixel of the tile


def noise(rng: np.random.Generator, side: int, cell: float, octaves: int = 4) -> Canvas:
    """Fractal noise (side, side) of mean 0 and deviation 1: octaves of smooth grids, each half as coarse and strong."""
    total = np.zeros((side, side), np.float32)
    for octave in range(octaves):
        cells = max(2, math.ceil(side / max(cell / 2**octave, 1.0)) + 1)
        grid = rng.standard_normal((min(cells, side), min(cells, side))).astype(np.float32)
        total += cv2.resize(grid, (side, side), interpolation=cv2.INTER_CUBIC) * 0.6**octave
    scaled: Canvas = (total - total.mean()) / (total.std() + 1e-6)
    return scaled


def shape_of(polygon: Points) -> NDArray[np.int32]:
    """Painted pixels with 4 fractional bits, as the drawing calls take them with ``shift=4``."""
    return np.round((polygon * SCALE + (SCALE - 1) / 2) * 16).astype(np.int32)


def blend(canvas: Canvas, color: Canvas | Sequence[float], mask: Canvas) -> None:
    """Lay a colour, or a picture of the canvas's size, over the canvas where the mask says so."""
    canvas += (np.asarray(color, np.float32) - canvas) * mask[..., None]


def window(polygon: Points, side: int, pad: float = 3.0) -> tuple[slice, slice, Points] | None:
    """Rows, columns and origin (in plan pixels) of the part of the canvas that a polygon touches."""
    low = np.floor(polygon.min(axis=0) - pad).astype(int)
    high = np.ceil(polygon.max(axis=0) + pad).astype(int)
    low, high = np.maximum(low, 0), np.minimum(high, side // SCALE)
    if np.any(high <= low):
        return None
    rows, cols = slice(low[1] * SCALE, high[1] * SCALE), slice(low[0] * SCALE, high[0] * SCALE)
    return rows, cols, low.astype(np.float64)


def fill(mask: Canvas, polygon: Points) -> None:
    """Add a polygon to a mask of coverage."""
    canvas = np.zeros(mask.shape, np.uint8)
    cv2.fillPoly(canvas, [shape_of(polygon)], 255, cv2.LINE_AA, 4)
    np.maximum(mask, canvas.astype(np.float32) / 255, out=mask)


def cover_local(shape: tuple[int, ...], polygon: Points) -> Canvas:
    """Coverage of one polygon on a window of the canvas."""
    mask = np.zeros(shape[:2], np.float32)
    fill(mask, polygon)
    return mask


def fill_window(mask: Canvas, polygon: Points) -> None:
    """``fill`` that touches only the pixels around the polygon."""
    place = window(polygon, mask.shape[0])
    if place is not None:
        rows, cols, origin = place
        fill(mask[rows, cols], polygon - origin)


def blend_polygon(canvas: Canvas, color: Canvas | Sequence[float], polygon: Points, strength: float = 1.0) -> None:
    """Fill a polygon with one colour."""
    place = window(polygon, canvas.shape[0])
    if place is not None:
        rows, cols, origin = place
        view = canvas[rows, cols]
        blend(view, color, strength * cover_local(view.shape, polygon - origin))
