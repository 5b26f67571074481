"""The unit of work: a block of the output, from all tiles that reach into it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segue.images.read import Array
from segue.inference.logits import Logits
from segue.inference.scenes.blend import Blended, cut
from segue.inference.scenes.network import Network
from segue.inference.scenes.read import Scene
from segue.inference.scenes.settings import Settings
from segue.inference.scenes.tiles import Axis, Cell
from segue.inference.segment import decided, mean_probabilities

#: of what is written: the values that stand for a probability of 1
FULL = {"probabilities": 65535, "confidence": 255}


@dataclass(frozen=True)
class Grid:
    """The tiles and blocks of a scene.

    Attributes:
        down, across: its axes.
    """

    down: Axis
    across: Axis

    @classmethod
    def of(cls, size: tuple[int, int], settings: Settings, strides: int) -> Grid:
        """That of a scene of this size (H, W); ``strides``: the side of a block."""
        axes = [Axis(length, settings.tile, settings.overlap, settings.blend, strides) for length in size]
        return cls(axes[0], axes[1])

    @property
    def shape(self) -> tuple[int, int]:
        """Blocks down and across."""
        return len(self.down.blocks), len(self.across.blocks)

    def window(self, row: int, column: int) -> tuple[int, int, int, int]:
        """(top, left, height, width) of a block."""
        down, across = self.down.blocks[row], self.across.blocks[column]
        top, left = down[0].low, across[0].low
        return top, left, down[-1].high - top, across[-1].high - left


def void_of(classes: int) -> int:
    """The label of pixels without data: 255, or 65535 where 255 is a class."""
    return 255 if classes <= 255 else 65535


class Block:
    """A block that is being computed.

    Args:
        scene: where its pixels are.
        network: what sees them.
        settings: how.
        grid: of the scene.
        row, column: which block.
        logits: numbers that the network gives per pixel.
    """

    def __init__(
        self, scene: Scene, network: Network, settings: Settings, grid: Grid, row: int, column: int, logits: int
    ) -> None:
        self.scene, self.network, self.settings, self.grid = scene, network, settings, grid
        self.down, self.across = grid.down.blocks[row], grid.across.blocks[column]
        self.top, self.left, height, width = grid.window(row, column)
        void = void_of(len(network.classes))
        self.data = np.ones((height, width), np.bool_)
        dtype = np.uint8 if void == 255 else np.uint16
        self.found: dict[str, Array] = {"labels": np.full((1, height, width), void, dtype)}
        for kind in settings.kinds[:-1]:
            count, dtype = (logits, np.uint16) if kind == "probabilities" else (1, np.uint8)
            self.found[kind] = np.zeros((count, height, width), dtype)
        self._tiles: dict[tuple[int, int], list[Logits] | None] = {}  # views; None: without data

    def compute(self) -> dict[str, Array]:
        """(bands, h, w) of each kind: labels uint8 or uint16; shares of their `FULL`. Void pixels are 0 in these.

        Tiles of one or two rows are in memory, as the network gave them.
        """
        columns = sorted({tile for cell in self.across for tile in cell.tiles})
        for down in self.down:
            self._tiles = {place: tile for place, tile in self._tiles.items() if place[0] in down.tiles}
            self._see([place for place in product(down.tiles, columns) if place not in self._tiles])
            for across in self.across:
                self._decide(down, across)
        self._tiles = {}
        return self.found

    def _see(self, places: list[tuple[int, int]]) -> None:
        """Logits of the tiles that have data, in batches."""
        waiting: list[tuple[tuple[int, int], Array]] = []
        for place, pixels in self._read(places):
            waiting.append((place, pixels))
            if len(waiting) == self.settings.batch_size:
                self._run(waiting)
                waiting = []
        if waiting:
            self._run(waiting)

    def _read(self, places: list[tuple[int, int]]) -> Iterator[tuple[tuple[int, int], Array]]:
        down, across = self.grid.down, self.grid.across
        for place in places:
            top, left = down.starts[place[0]], across.starts[place[1]]
            pixels, data = self.scene.read((top, left, down.size, across.size))
            if data is not None:
                self._note(top, left, data)
                if not data.any():
                    self._tiles[place] = None
                    continue
                if not data.all():
                    pixels = np.where(data[..., None], pixels, self.network.fill.astype(pixels.dtype))
            yield place, pixels

    def _note(self, top: int, left: int, data: NDArray[np.bool_]) -> None:
        """Where a tile has data, of the pixels that are in the block."""
        first, begin = top - self.top, left - self.left
        rows = slice(max(first, 0), min(first + data.shape[0], self.data.shape[0]))
        columns = slice(max(begin, 0), min(begin + data.shape[1], self.data.shape[1]))
        self.data[rows, columns] = data[
            rows.start - first : rows.stop - first, columns.start - begin : columns.stop - begin
        ]

    def _run(self, waiting: list[tuple[tuple[int, int], Array]]) -> None:
        views = self.network.views([pixels for _, pixels in waiting])
        self._tiles.update({place: found for (place, _), found in zip(waiting, views, strict=True)})

    @torch.inference_mode()
    def _decide(self, down: Cell, across: Cell) -> None:
        rows = slice(down.low - self.top, down.high - self.top)
        columns = slice(across.low - self.left, across.high - self.left)
        data = self.data[rows, columns]
        if not data.any():
            return
        views = self._views(down, across)
        model = self.network.model
        labels = decided(model, views).cpu().numpy()
        np.copyto(self.found["labels"][0, rows, columns], labels.astype(self.found["labels"].dtype), where=data)
        if len(self.found) == 1:
            return
        for low, shares in mean_probabilities(model, views):
            there = data[low : low + shares.shape[1]]
            band = slice(rows.start + low, rows.start + low + shares.shape[1])
            for kind in self.found.keys() - {"labels"}:
                values = shares
                if kind == "confidence":
                    values = torch.maximum(shares, 1 - shares) if len(shares) == 1 else shares.amax(0, keepdim=True)
                scaled = (values * FULL[kind]).round().to(torch.int32).cpu().numpy()
                self.found[kind][:, band, columns] = np.where(there, scaled, 0)

    def _views(self, down: Cell, across: Cell) -> list[Logits]:
        """Logits of every view of the pixels where two cells cross."""
        parts: list[list[tuple[Logits, Tensor, Tensor]]] = []
        heights, widths = self.grid.down.weight(), self.grid.across.weight()
        for place in product(down.tiles, across.tiles):
            tile = self._tiles[place]
            assert tile is not None, "a pixel with data is in a tile with data"
            top = down.low - self.grid.down.starts[place[0]]
            left = across.low - self.grid.across.starts[place[1]]
            bottom, right = top + down.high - down.low, left + across.high - across.low
            weights = heights[top:bottom], widths[left:right]
            parts.append([(cut(view, (top, bottom), (left, right)), *weights) for view in tile])
        if len(parts) == 1:
            return [logits for logits, _, _ in parts[0]]
        return [Blended(list(view)) for view in zip(*parts, strict=True)]
