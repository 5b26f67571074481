"""What a plan of a town tile consists of: roads, buildings, trees, cars, pools, in pixels of the padded tile."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Points: TypeAlias = NDArray[Any]  # (N, 2) float64 as x, y

MARGIN = 48  # pixels planned and painted around a tile, so that what stands outside still throws its shadow inside
WALK = 4.0  # pixels of pavement beside a carriageway


@dataclass
class Road:
    """A centre line, a carriageway of ``width`` pixels and, where ``turning`` > 0, the radius of a turning circle."""

    line: Points
    width: float
    dashed: bool
    turning: float = 0.0


@dataclass
class Building:
    """A footprint made of one or two rectangles (centre, half sizes along its axes), all at ``angle`` radians."""

    parts: list[tuple[Points, float, float]]
    angle: float
    outline: Points
    roof: str
    color: int
    height: float
    drive: Points | None = None
    lot: Points | None = None


@dataclass
class Tree:
    """A canopy: centre, radius and a hue in 0..1."""

    x: float
    y: float
    radius: float
    hue: float


@dataclass
class Car:
    """A car: centre, heading in radians, paint number."""

    x: float
    y: float
    angle: float
    color: int


@dataclass
class Plan:
    """Everything on a tile, in pixels of the padded tile (``MARGIN`` more on every side)."""

    size: int
    roads: list[Road] = field(default_factory=list)
    buildings: list[Building] = field(default_factory=list)
    trees: list[Tree] = field(default_factory=list)
    cars: list[Car] = field(default_factory=list)
    pools: list[Points] = field(default_factory=list)


def axes(angle: float) -> tuple[Points, Points]:
    """The unit vectors along and across a direction."""
    return np.array([math.cos(angle), math.sin(angle)]), np.array([-math.sin(angle), math.cos(angle)])


def box(center: Points, half_long: float, half_wide: float, angle: float) -> Points:
    """The four corners of a turned rectangle."""
    along, across = axes(angle)
    corners = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
    return np.array([center + u * half_long * along + v * half_wide * across for u, v in corners])
