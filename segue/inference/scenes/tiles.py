"""Where tiles lie along an axis, and which of them decide about which pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import torch
from torch import Tensor

from segue.inference.logits import bell

BLENDS = ("gaussian", "mean", "centre")


@dataclass(frozen=True)
class Cell:
    """Pixels ``low`` to ``high`` of an axis, and the tiles that reach all of them."""

    low: int
    high: int
    tiles: tuple[int, ...]


@dataclass(frozen=True)
class Axis:
    """The tiles along one axis of a scene.

    Args:
        length: of the scene, in pixels.
        tile: of a tile; that of the scene, if this is shorter.
        overlap: of two neighbours; the last tile is moved back to end at the border.
        blend: ``centre``: the tile whose middle is nearest decides; else all that reach a pixel do.
        strides: of a block, in strides of tiles.
    """

    length: int
    tile: int
    overlap: int
    blend: str
    strides: int

    @property
    def size(self) -> int:
        """Of a tile that fits."""
        return min(self.tile, self.length)

    @cached_property
    def starts(self) -> list[int]:
        """First pixel of each tile."""
        last, stride = self.length - self.size, self.tile - self.overlap
        return [min(i * stride, last) for i in range(math.ceil(last / stride) + 1)]

    @cached_property
    def cells(self) -> list[Cell]:
        """All of the axis, in pieces whose pixels are decided by the same tiles."""
        starts = self.starts
        if self.blend == "centre":
            inner = [(before + self.size + after) // 2 for before, after in pairwise(starts)]
            edges = [0, *inner, self.length]
            return [Cell(low, high, (i,)) for i, (low, high) in enumerate(pairwise(edges))]
        edges = sorted({edge for start in starts for edge in (start, start + self.size)})
        return [
            Cell(low, high, tuple(i for i, start in enumerate(starts) if start <= low and high <= start + self.size))
            for low, high in pairwise(edges)
        ]

    @cached_property
    def blocks(self) -> list[tuple[Cell, ...]]:
        """The cells of each block. A block begins where a tile does, so that as few as can be belong to two."""
        owner = 0 if self.blend == "centre" else -1
        found: dict[int, list[Cell]] = {}
        for cell in self.cells:
            found.setdefault(cell.tiles[owner] // self.strides, []).append(cell)
        return [tuple(cells) for cells in found.values()]

    def weight(self) -> Tensor:
        """(size,) float32, above 0: how much the pixels of a tile count; a Gaussian of an eighth of the tile."""
        if self.blend != "gaussian":
            return torch.ones(self.size)
        return bell(self.size)
