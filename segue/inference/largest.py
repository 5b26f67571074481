"""The class of each pixel whose logit is largest, without the logits of every pixel."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from segue.inference.logits import BAND, Axis, Cropped, Held, Logits, Mirrored, Resized

#: below this, looking for the pixels where neighbours differ costs as much as computing them all
FEW_CLASSES = 8
#: share of a band's pixels above which all of its logits are computed
MANY = 0.3
#: pixels whose logits are computed together
CHUNK = 1 << 13


def largest(logits: Logits) -> Tensor:
    """(H, W) int64: at each pixel the class whose logit is largest.

    A bilinear mean of pixels that agree on the largest class has the same one, so that only where neighbours differ,
    along the borders of regions, logits are computed at full resolution.
    """
    found = torch.empty(logits.size, dtype=torch.int64, device=logits.device)
    lattice = Lattice.under(logits) if logits.classes > FEW_CLASSES else None
    if lattice is None:
        for low, band in logits.bands():
            found[low : low + band.shape[1]] = band.max(0).indices
        return found
    step = max(1, BAND // 4 // (logits.classes * lattice.values.shape[1]))
    for low in range(0, logits.size[0], step):
        high = min(low + step, logits.size[0])
        found[low:high] = lattice.labels(logits, low, high)
    return found


class Lattice:
    """The pixels in memory below a chain of `Resized`, `Cropped` and `Mirrored`, and which of them each pixel needs.

    Attributes:
        values: (h, w, K) float32, the logits in memory.
        best: (h, w) int64, their largest class.
        down, across: the pixels needed along each axis.
    """

    def __init__(self, values: Tensor, down: Taps, across: Taps) -> None:
        self.best = values.max(0).indices
        self.values = values.permute(1, 2, 0).contiguous()
        self.down, self.across = down, across

    @classmethod
    def under(cls, logits: Logits) -> Lattice | None:
        """That of ``logits``; None where they are no such chain, or hardly larger than what is in memory."""
        chain = []
        source = logits
        while isinstance(source, (Resized, Cropped, Mirrored)):
            chain.append(source)
            source = source.source
        if not isinstance(source, Held) or 2 * source.size[0] * source.size[1] > logits.size[0] * logits.size[1]:
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
        return cls(source.values.float(), *taps)

    def labels(self, logits: Logits, low: int, high: int) -> Tensor:
        """Rows ``low`` to ``high`` of the label map: (high - low, W) int64."""
        down = self.down[low:high]
        least, most = spread(self.best, down, 0)
        least, most = spread(least, self.across, 1)[0], spread(most, self.across, 1)[1]
        rows, columns = (least != most).nonzero(as_tuple=True)
        if len(rows) > MANY * least.numel():
            return logits.rows(low, high).max(0).indices
        seen = self.values[down.index[:, 0]] * down.share[:, 0, None, None]
        for tap in range(1, down.index.shape[1]):
            seen.addcmul_(self.values[down.index[:, tap]], down.share[:, tap, None, None])
        for start in range(0, len(rows), CHUNK):
            row, column = rows[start : start + CHUNK], columns[start : start + CHUNK]
            index, share = self.across.index[column], self.across.share[column]
            sums = seen[row, index[:, 0]] * share[:, :1]
            for tap in range(1, index.shape[1]):
                sums.addcmul_(seen[row, index[:, tap]], share[:, tap, None])
            least[row, column] = sums.max(1).indices
        return least


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


def spread(labels: Tensor, taps: Taps, axis: int) -> tuple[Tensor, Tensor]:
    """The least and the greatest of the labels that each pixel along ``axis`` needs."""
    least = most = labels.index_select(axis, taps.index[:, 0])
    for tap in range(1, taps.index.shape[1]):
        other = labels.index_select(axis, taps.index[:, tap])
        least, most = torch.minimum(least, other), torch.maximum(most, other)
    return least, most
