"""What a card needs of each image, gathered while images pass; memory grows by a line of numbers per image."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from segue.images.read import Array
from segue.report.card import overlap
from segue.report.card.calibration import Pixels
from segue.report.card.overlap import ImageAreas
from segue.report.card.suspects import Grid, Suspects
from segue.report.draw import Color, Picture, overlay
from segue.report.overlaps import overlay_masks
from segue.report.page import data_uri

WORST = 20
#: pixels along the longer side of a picture, and of a suspect's
SIDE, SIDE_OF_SUSPECT = 360, 220
_VOID = (128, 128, 128)


@dataclass(frozen=True)
class Seen:
    """One image.

    Attributes:
        name: of its file.
        true: (H, W) class ids, or (K, H, W) of 0 and 1.
        predicted: the same of the model.
        void: pixels that do not count, of the same shape.
        picture: makes (H, W, 3) uint8 RGB.
        grid: probabilities; None where there are none.
    """

    name: str
    true: Array
    predicted: Array
    void: Array
    picture: Callable[[], Picture]
    grid: Grid | None = None


@dataclass(frozen=True)
class Shown:
    """An image of the worst: its mean IoU, and pictures as text for ``src=``."""

    name: str
    miou: float
    image: str
    label: str
    prediction: str


@dataclass
class Gathered:
    """All that passed.

    Args:
        classes: their names.
        palette: a color of each.
        expected: images that will pass.
        most: images that are drawn.
    """

    classes: Sequence[str]
    palette: Sequence[Color]
    expected: int
    images: list[ImageAreas] = field(default_factory=list)
    worst: list[Shown] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        count = len(self.classes)
        self.confusion = np.zeros((count, count), np.int64)
        self.pixels = Pixels(self.expected, max(2, count))
        self.suspects = Suspects(max(2, count))
        self.exclusive = True  # one class per pixel

    def add(self, seen: Seen) -> None:
        """The next image."""
        count = len(self.classes)
        self.exclusive = seen.true.ndim == 2
        if self.exclusive:
            inside = ~seen.void & (seen.true >= 0) & (seen.true < count)
            predicted = np.clip(seen.predicted, 0, count - 1)
            confusion, areas = overlap.areas_of(seen.true, predicted, count, ~inside)
            self.confusion += confusion
        else:
            areas = overlap.areas_of_stack(seen.true, seen.predicted, seen.void)
        one = overlap.image_areas(seen.name, areas)
        self.images.append(one)
        self._worst(one, seen)
        if seen.grid is not None:
            self._judge(seen, seen.grid)

    def _judge(self, seen: Seen, grid: Grid) -> None:
        counted = grid.counted & (grid.true >= 0) & (grid.true < len(grid.logs))
        self.pixels.add(seen.name, grid.logs[:, counted].T, grid.true[counted])
        made: list[Picture] = []

        def draw(box: tuple[int, int, int, int]) -> str:
            if not made:
                made.append(seen.picture())
            return self._cut(seen, made[0], box)

        self.suspects.add(seen.name, grid, draw)

    def _worst(self, one: ImageAreas, seen: Seen) -> None:
        miou = one.miou
        if math.isnan(miou) or (len(self.worst) >= WORST and miou >= self.worst[-1].miou):
            return
        image = _small(seen.picture(), SIDE)
        size = image.shape[:2]
        sides = [self._drawn(image, _fit(side, size), _fit(seen.void, size)) for side in (seen.true, seen.predicted)]
        self.worst.append(Shown(seen.name, miou, data_uri(image), *map(data_uri, sides)))
        self.worst.sort(key=lambda shown: (shown.miou, shown.name))
        del self.worst[WORST:]

    def _drawn(self, image: Picture, labels: Array, void: Array) -> Picture:
        if labels.ndim == 3:
            return overlay_masks(image, (labels == 1) & ~void, self.palette, 0.6, outline=1)
        known = np.where(void | (labels < 0) | (labels >= len(self.palette)), -1, labels).astype(np.int64)
        drawn = overlay(image, known, self.palette, 0.65, ignore_index=-1, outline=1)
        drawn[known < 0] = (drawn[known < 0] * 0.4 + np.array(_VOID) * 0.6).astype(np.uint8)
        return drawn

    def _cut(self, seen: Seen, image: Picture, box: tuple[int, int, int, int]) -> str:
        """Image, label and prediction around a box, side by side."""
        height, width = image.shape[:2]
        left, top, right, bottom = box
        margin = max(12, (right - left) // 2, (bottom - top) // 2)
        rows = slice(max(0, top - margin), min(height, bottom + margin))
        columns = slice(max(0, left - margin), min(width, right + margin))
        part = _small(image[rows, columns], SIDE_OF_SUSPECT, enlarge=True)
        size = part.shape[:2]
        void = _fit(seen.void[rows, columns], size)
        sides = [self._drawn(part, _fit(side[rows, columns], size), void) for side in (seen.true, seen.predicted)]
        gap = np.full((size[0], 6, 3), 255, np.uint8)
        return data_uri(np.concatenate([part, gap, sides[0], gap, sides[1]], axis=1))

    def merge(self, other: Gathered) -> None:
        """Take what another process has seen."""
        self.images += other.images
        self.confusion += other.confusion
        self.exclusive &= other.exclusive
        for own, more, index in zip(self.pixels.halves, other.pixels.halves, (0, 1), strict=True):
            own += more
            self.pixels.counts[index] += other.pixels.counts[index]
        self.suspects.merge(other.suspects)
        self.worst = sorted([*self.worst, *other.worst], key=lambda shown: (shown.miou, shown.name))[:WORST]


def _small(picture: Picture, side: int, enlarge: bool = False) -> Picture:
    factor = side / max(picture.shape[:2])
    factor = min(factor, 6.0) if enlarge else min(factor, 1.0)
    size = max(1, round(picture.shape[1] * factor)), max(1, round(picture.shape[0] * factor))
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    found: Picture = cv2.resize(np.ascontiguousarray(picture), size, interpolation=way)
    return found


def _fit(labels: Array, size: tuple[int, int]) -> Array:
    """Labels (H, W) or (K, H, W) to another size, the nearest pixel's."""
    rows = (np.arange(size[0]) * labels.shape[-2]) // size[0]
    columns = (np.arange(size[1]) * labels.shape[-1]) // size[1]
    return labels[..., rows[:, None], columns]
