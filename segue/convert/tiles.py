"""Large pictures cut into tiles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True)
class Tiling:
    """Tiles of (H, W) that overlap by so many pixels."""

    tile: tuple[int, int]
    overlap: int = 0

    def windows(self, size: tuple[int, int]) -> Iterator[tuple[int, int]]:
        """(top, left) of tiles that cover (H, W), row by row; the last of each row and column ends at the edge."""
        starts = []
        for side, length in zip(size, self.tile, strict=True):
            last = max(side - length, 0)
            starts.append([*range(0, last, length - self.overlap), last])
        yield from ((top, left) for top in starts[0] for left in starts[1])

    def cut(self, array: NDArray[Any]) -> Iterator[tuple[str, NDArray[Any]]]:
        """Each tile of (H, W) or (H, W, C) with its corners ``x0_y0_x1_y1``; a side shorter than the tile stays so."""
        height, width = array.shape[:2]
        for top, left in self.windows((height, width)):
            bottom, right = min(top + self.tile[0], height), min(left + self.tile[1], width)
            yield f"{left}_{top}_{right}_{bottom}", array[top:bottom, left:right]
