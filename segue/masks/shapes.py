"""Shapes that several annotation tools draw: rectangles, turned ones, ellipses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from segue.errors import DataError
from segue.masks.documents import FARTHEST
from segue.masks.draw import Patch, Points, polygon

_CORNERS = 720  # of the polygon that stands for an ellipse


def number(value: Any, where: str, what: str, least: float = -FARTHEST) -> float:
    """A finite number, also as text, or a DataError."""
    try:
        found = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        found = math.nan
    if not least <= found <= FARTHEST:
        raise DataError(f"{where}: {what} is {value!r:.40}; it must be a number{' from 0' if least == 0 else ''}")
    return found


def rectangle(left: float, top: float, right: float, bottom: float, size: tuple[int, int], degrees: float = 0) -> Patch:
    """A rectangle, turned clockwise about its center."""
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)
    if degrees:
        corners = turned(corners, ((left + right) / 2, (top + bottom) / 2), degrees)
    return polygon([corners], size)


def turned(points: Points, center: tuple[float, float], degrees: float) -> Points:
    """Points (N, 2) turned clockwise, as it looks with y downwards."""
    angle = math.radians(degrees)
    matrix = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    found: Points = (points - center) @ matrix + center
    return found


def ellipse(x: float, y: float, across: float, down: float, size: tuple[int, int], degrees: float = 0) -> Patch:
    """An ellipse of two radii around (x, y), turned clockwise."""
    steps = np.linspace(0, 2 * math.pi, _CORNERS, endpoint=False)
    points = np.stack([x + across * np.cos(steps), y + down * np.sin(steps)], axis=1)
    return polygon([turned(points, (x, y), degrees)], size)
