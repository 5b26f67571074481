"""Label maps and images for the tests of formats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from segue.images.read import Array, write_png
from segue.masks.names import Names

SIZE = (23, 31)
CLASSES = ("background", "car", "road", "tree")
NAMES = Names(CLASSES, palette=((0, 0, 0), (200, 10, 10), (90, 90, 90), (10, 160, 20)))


def label_map(seed: int, count: int = 4, ignore: bool = True) -> Array:
    """Overlapping rectangles and discs of all classes, touching the borders, with holes; 255 somewhere."""
    random = np.random.default_rng(seed)
    labels = np.zeros(SIZE, np.uint8)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    for value in [*range(1, count), *range(count), *([255] if ignore else []), 1]:
        top, left = random.integers(-3, SIZE[0]), random.integers(-3, SIZE[1])
        height, width = random.integers(2, 14, 2)
        labels[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)] = value
        labels[(y - random.integers(0, SIZE[0])) ** 2 + (x - random.integers(0, SIZE[1])) ** 2 < 12] = value
    return labels


def blocks(seed: int, count: int = 4) -> Array:
    """Rectangles that touch neither each other nor themselves: what formats without holes or order can hold."""
    random = np.random.default_rng(seed)
    labels = np.zeros(SIZE, np.uint8)
    for i, (top, left) in enumerate([(1, 1), (1, 17), (12, 2), (13, 19)]):
        height, width = random.integers(3, 10, 2)
        labels[top : top + height, left : left + width] = 1 + i % (count - 1)
    return labels


def picture(path: Path, size: tuple[int, int] = SIZE) -> str:
    """A small image file."""
    write_png(path, np.random.default_rng(len(path.name)).integers(0, 255, (*size, 3)).astype(np.uint8))
    return str(path)


def write_json(path: Path, content: Any) -> str:
    """A JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return str(path)
