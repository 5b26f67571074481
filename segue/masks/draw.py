"""Outlines to pixels.

Coordinates are x, y with (0, 0) at the outer corner of the first pixel, so an image covers 0..W and 0..H and the pixel
in row r and column c has its center at (c + 0.5, r + 0.5). A pixel belongs to a polygon if its center is inside; a
center exactly on a left or upper edge is inside, on a right or lower one it is not, so polygons with a common edge
share no pixel and leave none out. Whatever lies beyond the image is cut off.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]  # (N, 2) of x, y
_AT_ONCE = 1 << 22  # crossings of edges and rows held in memory


@dataclass(frozen=True)
class Patch:
    """Part of an image: which pixels of the rectangle from (top, left) are covered."""

    top: int
    left: int
    covered: NDArray[np.bool_]

    @property
    def area(self) -> int:
        """Pixels covered."""
        return int(np.count_nonzero(self.covered))

    def paint(self, mask: NDArray[Any], value: int) -> None:
        """Set the covered pixels of (H, W)."""
        height, width = self.covered.shape
        mask[self.top : self.top + height, self.left : self.left + width][self.covered] = value


def polygon(rings: Sequence[Points], size: tuple[int, int]) -> Patch:
    """The inside of rings by the even-odd rule, so that a ring inside another is a hole.

    Args:
        rings: (N, 2) each, closed without repeating the first point (repeating it does no harm).
        size: (H, W) of the image.
    """
    height, width = size
    first = np.concatenate([np.asarray(ring, np.float64) for ring in rings])
    second = np.concatenate([np.roll(np.asarray(ring, np.float64), -1, axis=0) for ring in rings])
    down = first[:, 1:] <= second[:, 1:]  # the same arithmetic for an edge that two polygons run through oppositely
    upper, lower = np.where(down, first, second), np.where(down, second, first)
    start = np.clip(np.ceil(upper[:, 1] - 0.5), 0, height).astype(np.int64)
    end = np.clip(np.ceil(lower[:, 1] - 0.5), 0, height).astype(np.int64)
    used = end > start
    upper, lower, start, end = upper[used], lower[used], start[used], end[used]
    if not len(start):
        return _nothing()
    slope = (lower[:, 0] - upper[:, 0]) / (lower[:, 1] - upper[:, 1])
    top, bottom = int(start.min()), int(end.max())
    right = int(np.clip(np.ceil(max(upper[:, 0].max(), lower[:, 0].max()) - 0.5), 0, width))
    left = int(np.clip(np.ceil(min(upper[:, 0].min(), lower[:, 0].min()) - 0.5), 0, width))
    columns = right - left + 1  # one more, for the crossings after the last pixel
    toggles = np.zeros((bottom - top) * columns, np.uint8)
    for edges in _portions(end - start):
        count = (end - start)[edges]
        edge = np.repeat(np.arange(edges.start, edges.stop), count)
        row = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count) + start[edge]
        x = upper[edge, 0] + (row + 0.5 - upper[edge, 1]) * slope[edge]
        column = np.clip(np.ceil(x - 0.5), left, right).astype(np.int64)
        np.add.at(toggles, (row - top) * columns + column - left, 1)  # uint8 wraps, its parity does not
    parity = np.cumsum(toggles.reshape(bottom - top, columns), axis=1, dtype=np.uint8)[:, :-1] & 1
    return Patch(top, left, parity.astype(np.bool_))


def line(points: Points, width: float, size: tuple[int, int]) -> Patch:
    """A line of a width with round ends; a single point gives a disc, and two equal ones as well.

    A pixel is covered if its center is no farther than half the width.
    """
    points = np.asarray(points, np.float64)
    radius = width / 2
    low = np.clip(np.floor(points.min(axis=0) - radius), 0, size[::-1]).astype(np.int64)
    high = np.clip(np.ceil(points.max(axis=0) + radius), 0, size[::-1]).astype(np.int64)
    if (high <= low).any():
        return _nothing()
    covered = np.zeros((high[1] - low[1], high[0] - low[0]), np.bool_)
    for a, b in pairwise(points if len(points) > 1 else points[[0, 0]]):
        begin = np.clip(np.floor(np.minimum(a, b) - radius), low, high).astype(np.int64)
        end = np.clip(np.ceil(np.maximum(a, b) + radius), low, high).astype(np.int64)
        x = np.arange(begin[0], end[0]) + 0.5
        y = (np.arange(begin[1], end[1]) + 0.5)[:, None]
        length = float(((b - a) ** 2).sum())
        along = ((x - a[0]) * (b - a)[0] + (y - a[1]) * (b - a)[1]) / (length or 1.0)
        along = np.clip(along, 0, 1)
        near = (x - a[0] - along * (b - a)[0]) ** 2 + (y - a[1] - along * (b - a)[1]) ** 2 <= radius**2
        covered[begin[1] - low[1] : end[1] - low[1], begin[0] - low[0] : end[0] - low[0]] |= near
    return Patch(int(low[1]), int(low[0]), covered)


def _portions(counts: NDArray[np.int64]) -> Iterator[slice]:
    """Runs of edges that cross no more rows together than fit into memory; always at least one edge."""
    total = np.cumsum(counts)
    begin = 0
    while begin < len(counts):
        before = total[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(total, before + _AT_ONCE, side="right")))
        yield slice(begin, end)
        begin = end


def _nothing() -> Patch:
    return Patch(0, 0, np.zeros((0, 0), np.bool_))
