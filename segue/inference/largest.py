"""The class of each pixel whose logit is largest, without the logits of every pixel.

What lies between the same few pixels in memory is a cell. A bilinear mean is never above its greatest part nor below
its least, so that a class whose greatest logit around a cell is below another's least cannot win in it: most cells have
one class left, and the others a few, whose logits alone are computed.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from segue.inference.logits import BAND, BAND_ON_DEVICE, Axis, Cropped, Held, Logits, Mirrored, Resized

#: share of the logits of a band from which on all of them are computed
MANY = 0.5


def largest(logits: Logits) -> Tensor:
    """(H, W) int64: at each pixel the class whose logit is largest."""
    cells = Cells.under(logits)
    if cells is not None:
        return cells.labels()
    found = torch.empty(logits.size, dtype=torch.int64, device=logits.device)
    for low, band in logits.bands():
        found[low : low + band.shape[1]] = band.max(0).indices
    return found


class Cells:
    """The cells of a chain of `Resized`, `Cropped` and `Mirrored` above logits in memory.

    Attributes:
        logits: the end of the chain.
        values: (K, h, w) float32, the logits in memory.
        down, across: the cells along each axis.
    """

    def __init__(self, logits: Logits, values: Tensor, down: Line, across: Line) -> None:
        self.logits, self.values, self.down, self.across = logits, values, down, across
        self.band = BAND if values.device.type == "cpu" else BAND_ON_DEVICE

    @classmethod
    def under(cls, logits: Logits) -> Cells | None:
        """Those of ``logits``; None where they are no such chain, hardly larger than what is in memory, or infinite."""
        chain = []
        source = logits
        while isinstance(source, (Resized, Cropped, Mirrored)):
            chain.append(source)
            source = source.source
        if not isinstance(source, Held) or 2 * source.size[0] * source.size[1] > logits.size[0] * logits.size[1]:
            return None
        values = source.values.float()
        if not values.isfinite().all():  # infinity times 0 would spread to the whole cell
            return None
        taps = [Taps.all(length, logits.device) for length in source.size]
        for step in reversed(chain):
            if isinstance(step, Resized):
                taps = [taps[i].resized(step.size[i], step.align_corners) for i in (0, 1)]
            elif isinstance(step, Cropped):
                rows = slice(step.top, step.top + step.size[0])
                taps = [taps[0][rows], taps[1][step.columns]]
            else:
                taps = [
                    tap.turned() if turn else tap
                    for tap, turn in zip(taps, (step.vertical, step.horizontal), strict=True)
                ]
        lines = [Line.of(tap, length) for tap, length in zip(taps, source.size, strict=True)]
        return cls(logits, values, *lines)

    def labels(self) -> Tensor:
        """The label map, (H, W) int64."""
        found = torch.empty(self.logits.size, dtype=torch.int64, device=self.values.device)
        rows = max(1, self.band // (self.values.shape[0] * len(self.across.base)))
        for low in range(0, len(self.down.base), rows):
            self._band(low, min(low + rows, len(self.down.base)), found)
        return found

    def _band(self, low: int, high: int, found: Tensor) -> None:
        """Decide the pixels of some rows of cells."""
        most = least = self.values
        for axis, line, part in ((1, self.down, slice(low, high)), (2, self.across, slice(None))):
            most, least = line.extremes(most, least, axis, part)
        bound, sure = least.max(0)
        counts = (most >= bound).sum(0)
        first, last = int(self.down.pixels[low, 0]), int(self.down.pixels[high - 1, -1]) + 1
        open_rows, open_columns = (counts > 1).nonzero(as_tuple=True)
        left = counts[open_rows, open_columns]
        classes, area = len(self.values), self.down.pixels.shape[1] * self.across.pixels.shape[1]
        if int(left.sum()) * area > MANY * classes * (last - first) * len(self.across.cell):
            found[first:last] = self.logits.rows(first, last).max(0).indices
            return
        cell = self.down.cell[first:last] - low
        found[first:last] = sure.index_select(0, cell).index_select(1, self.across.cell)
        above = 1
        while above < classes and len(left):
            limit = min(2 * above, classes)
            chosen = ((left > above) & (left <= limit)).nonzero().flatten()
            for some in torch.split(chosen, max(1, self.band // (limit * area))):
                row, column = open_rows[some], open_columns[some]
                candidates = most[:, row, column].t().topk(limit).indices.sort().values
                self._decide(row + low, column, candidates, found)
            above = limit

    def _decide(self, row: Tensor, column: Tensor, candidates: Tensor, found: Tensor) -> None:
        """Decide the pixels of n cells between the classes of ``candidates`` (n, T), in ascending order."""
        rows, columns = self.down.taken(row), self.across.taken(column)
        seen = self.values[candidates[:, :, None, None], rows[:, None, :, None], columns[:, None, None, :]]
        share = self.across.share[self.across.pixels[column]][:, None, None]  # (n, 1, 1, pixels, taps)
        wide = seen[..., :1] * share[..., 0]
        for tap in range(1, share.shape[-1]):
            wide.addcmul_(seen[..., tap : tap + 1], share[..., tap])
        share = self.down.share[self.down.pixels[row]][:, None]  # (n, 1, pixels, taps)
        sums = wide[:, :, :1] * share[..., :1]
        for tap in range(1, share.shape[-1]):
            sums.addcmul_(wide[:, :, tap : tap + 1], share[..., tap : tap + 1])
        best = candidates.gather(1, sums.max(1).indices.flatten(1)).view(len(row), *sums.shape[2:])
        found[self.down.pixels[row][:, :, None], self.across.pixels[column][:, None]] = best


@dataclass(frozen=True)
class Taps:
    """Which pixels of a source each of n pixels along an axis is the weighted sum of.

    Attributes:
        index: (n, T) int64.
        share: (n, T) float32, whose rows sum to 1.
    """

    index: Tensor
    share: Tensor

    @classmethod
    def all(cls, length: int, device: torch.device) -> Taps:
        """Each pixel itself."""
        return cls(torch.arange(length, device=device)[:, None], torch.ones(length, 1, device=device))

    def __getitem__(self, part: slice) -> Taps:
        return Taps(self.index[part], self.share[part])

    def turned(self) -> Taps:
        """From the other end."""
        return Taps(self.index.flip(0), self.share.flip(0))

    def resized(self, target: int, align_corners: bool) -> Taps:
        """Of an axis resized to ``target`` pixels."""
        if target == len(self.index):
            return self
        axis = Axis.of(len(self.index), target, align_corners, self.index.device)
        share = axis.share[:, None]
        return Taps(
            torch.cat([self.index[axis.above], self.index[axis.below]], 1),
            torch.cat([self.share[axis.above] * (1 - share), self.share[axis.below] * share], 1),
        )


@dataclass(frozen=True)
class Line:
    """The cells along an axis: runs of its n pixels that lie between the same ``S`` pixels of the source.

    Attributes:
        base: (cells,) int64, the first of those of each cell.
        cell: (n,) int64, that of each pixel.
        pixels: (cells, P) int64, the pixels of each cell; in smaller ones the last again and again.
        share: (n, S) float32, what each of the source's pixels from the base on counts for a pixel.
    """

    base: Tensor
    cell: Tensor
    pixels: Tensor
    share: Tensor

    @classmethod
    def of(cls, taps: Taps, length: int) -> Line:
        """The cells of ``taps``, of a source of ``length`` pixels, in its order or the reverse."""
        base = taps.index.min(1).values
        span = int((taps.index.max(1).values - base).max()) + 1
        base = base.clamp_max(length - span)
        share = torch.zeros(len(base), span, device=base.device)
        share.scatter_add_(1, taps.index - base[:, None], taps.share)
        bases, cell, counts = torch.unique_consecutive(base, return_inverse=True, return_counts=True)
        last = counts.cumsum(0) - 1
        places = (last - counts + 1)[:, None] + torch.arange(int(counts.max()), device=base.device)
        return cls(bases, cell, torch.minimum(places, last[:, None]), share)

    def taken(self, cells: Tensor) -> Tensor:
        """(len(cells), S) int64: the source's pixels that some cells lie between."""
        return self.base[cells][:, None] + torch.arange(self.share.shape[1], device=cells.device)

    def extremes(self, most: Tensor, least: Tensor, axis: int, part: slice) -> tuple[Tensor, Tensor]:
        """The greatest and the least around the cells of ``part`` along an axis."""
        base = self.base[part]
        steps = range(self.share.shape[1])
        if bool((base.diff() == 1).all()):  # neighbours, as where an image is enlarged: nothing is copied
            start, count = int(base[0]), len(base)
            tops, bottoms = ([x.narrow(axis, start + step, count) for step in steps] for x in (most, least))
        else:
            tops, bottoms = ([x.index_select(axis, base + step) for step in steps] for x in (most, least))
        high, low = tops[0], bottoms[0]
        for top, bottom in zip(tops[1:], bottoms[1:], strict=True):
            high, low = torch.maximum(high, top), torch.minimum(low, bottom)
        return high, low
