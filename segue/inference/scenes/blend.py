"""Tiles that reach the same pixels, as one."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from segue.inference.logits import Cropped, Held, Logits, Resized, Windows


class Blended(Logits):
    """The weighted mean of logits of one size, band by band.

    Args:
        parts: (logits (K, h, w), weights (h,) of rows, weights (w,) of columns) of each; a pixel's weight is their
            product.
    """

    def __init__(self, parts: Sequence[tuple[Logits, Tensor, Tensor]]) -> None:
        first = parts[0][0]
        self.parts = [(part, down.to(first.device), across.to(first.device)) for part, down, across in parts]
        self.size, self.classes, self.device = first.size, first.classes, first.device

    def rows(self, low: int, high: int) -> Tensor:
        """As in `Logits`."""
        total = count = None
        for part, down, across in self.parts:
            weight = down[low:high, None] * across
            found = part.rows(low, high) * weight
            total = found if total is None else total.add_(found)
            count = weight if count is None else count + weight
        assert total is not None and count is not None
        return total.div_(count)


def cut(tile: Logits, rows: tuple[int, int], columns: tuple[int, int]) -> Logits:
    """A part of a tile's logits, from the first row and column to before the last; of a narrow one only the columns
    that it needs are resized.
    """
    height, width = tile.size
    low, high = columns
    if isinstance(tile, Resized) and not tile.align_corners and width % tile.source.size[1] == 0 and high - low < width:
        scale = width // tile.source.size[1]
        first, last = max(low // scale - 1, 0), min(-(-high // scale) + 1, tile.source.size[1])
        if 2 * (last - first) <= tile.source.size[1]:
            inner = Cropped(tile.source, (first, tile.source.size[1] - last, 0, 0))
            tile = Resized(inner, (height, (last - first) * scale), False)
            low, high, width = low - first * scale, high - first * scale, (last - first) * scale
    return Cropped(tile, (low, width - high, rows[0], height - rows[1]))


def held_bytes(logits: Logits) -> int:
    """What is in memory of logits."""
    if isinstance(logits, Held):
        return logits.values.numel() * logits.values.element_size()
    if isinstance(logits, Windows):
        return sum(held_bytes(window) for _, _, window in logits.windows)
    source: Logits = logits.source  # type: ignore[attr-defined]
    return held_bytes(source)
