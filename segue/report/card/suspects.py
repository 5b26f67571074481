"""Labels that may be wrong: connected regions that the model is sure are of another class than their label says.

As confident learning has it (Northcutt et al. 2021, arXiv:1911.00068), a pixel speaks against its label where the model
gives another class at least the probability that it gives that class on average where the labels agree; here pixels of
one label and one other class that touch form a region, which is judged as a whole. A region without a core (what a
3 x 3 erosion leaves) is a border that is drawn differently, and no suspect. Its score is the mean over the core of
(probability of the other class - probability of the label), times how much of the region is core.

Images are seen once, on a grid of at most 65,536 pixels each; what is kept are the best regions only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import cv2
import numpy as np

from segue.images.read import Array

#: pixels of the grid on which an image is judged
GRID = 65_536
LISTED, DRAWN = 1000, 24
_FEWEST = 9  # grid pixels of a region


@dataclass(frozen=True)
class Grid:
    """Every n-th row and column of an image: class ids (h, w), and log-probabilities (K, h, w)."""

    step: tuple[int, int]
    true: Array
    predicted: Array
    counted: Array
    logs: Array


@dataclass(frozen=True)
class Suspect:
    """A region: ``box``: left, top, right, bottom in pixels; ``score`` of 0 to 1; ``share`` of the image."""

    image: str
    box: tuple[int, int, int, int]
    given: int
    proposed: int
    score: float
    share: float
    picture: str = ""

    def row(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


@dataclass
class Suspects:
    """The best so far; ``draw`` is asked for a picture of those that would be drawn."""

    classes: int
    listed: list[tuple[float, int, Suspect]] = field(default_factory=list)
    drawn: list[tuple[float, int, Suspect]] = field(default_factory=list)
    seen: int = 0

    def __post_init__(self) -> None:
        self.sums, self.counts = np.zeros(self.classes), np.zeros(self.classes)

    def add(self, name: str, grid: Grid, draw: Callable[[tuple[int, int, int, int]], str]) -> None:
        """The next image."""
        shares = np.exp(grid.logs)
        there = grid.counted & (grid.true >= 0) & (grid.true < self.classes)
        labels = np.where(there, grid.true, 0)
        own = np.take_along_axis(shares, labels[None], 0)[0]
        other = np.take_along_axis(shares, grid.predicted[None], 0)[0]
        agreed = there & (grid.true == grid.predicted)
        self.sums += np.bincount(labels[agreed], own[agreed], self.classes)
        self.counts += np.bincount(labels[agreed], minlength=self.classes)
        usual = self.sums / np.maximum(self.counts, 1)
        against = there & ~agreed & (other >= np.minimum(usual[grid.predicted], 0.9))
        pairs = np.where(against, labels * self.classes + grid.predicted, -1)
        found, counts = np.unique(pairs[against], return_counts=True)
        for pair in found[counts >= _FEWEST]:
            self._pair(name, grid, pairs == pair, other - own, divmod(int(pair), self.classes), draw)

    def _pair(
        self,
        name: str,
        grid: Grid,
        mask: Array,
        margin: Array,
        pair: tuple[int, int],
        draw: Callable[[tuple[int, int, int, int]], str],
    ) -> None:
        small = mask.astype(np.uint8)
        core = cv2.erode(small, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_REPLICATE).astype(bool)
        number, parts, stats, _ = cv2.connectedComponentsWithStats(small, connectivity=4)
        cores = np.bincount(parts[core], minlength=number)
        sums = np.bincount(parts[core], margin[core], number)
        rows, columns = grid.step
        for index in range(1, number):
            left, top, width, height, area = (int(v) for v in stats[index])
            if area < _FEWEST or not cores[index]:
                continue
            score = float(sums[index] / cores[index]) * float(np.sqrt(cores[index] / area))
            box = (left * columns, top * rows, (left + width) * columns, (top + height) * rows)
            self._keep(Suspect(name, box, *pair, round(score, 4), area / mask.size), draw)

    def _keep(self, one: Suspect, draw: Callable[[tuple[int, int, int, int]], str]) -> None:
        self.seen += 1
        entry = (one.score, -self.seen, one)
        if len(self.drawn) < DRAWN or one.score > min(score for score, *_ in self.drawn):
            shown = Suspect(**{**one.row(), "picture": draw(one.box)})
            self.drawn.append((one.score, -self.seen, shown))
            _cut(self.drawn, DRAWN)
        _push(self.listed, entry, LISTED)

    def best(self) -> list[Suspect]:
        """Those that are listed, the most suspicious first, with pictures of the first ones."""
        pictures = {(one.image, one.box, one.given, one.proposed): one for *_, one in self.drawn}
        _cut(self.listed, LISTED)
        found = [one for *_, one in self.listed]
        return [pictures.get((one.image, one.box, one.given, one.proposed), one) for one in found]

    def merge(self, other: Suspects) -> None:
        """Take another process's."""
        self.seen += other.seen
        for _, at, one in other.listed:
            _push(self.listed, (one.score, at, one), LISTED)
        for _, at, one in other.drawn:
            self.drawn.append((one.score, at, one))
        _cut(self.drawn, DRAWN)


def _push(heap: list[tuple[float, int, Suspect]], entry: tuple[float, int, Suspect], most: int) -> None:
    """Keep the largest."""
    heap.append(entry)
    if len(heap) > 2 * most:
        _cut(heap, most)


def _cut(heap: list[tuple[float, int, Suspect]], most: int) -> None:
    heap.sort(key=lambda entry: entry[:2], reverse=True)
    del heap[most:]
