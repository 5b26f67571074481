"""Logits of one image as they lie between a network and the pixels: resized, cropped, mirrored or summed band by band.

A network decides at a quarter or an eighth of the image's resolution. Its logits at full size, of which there are a
hundred times as many numbers as pixels, are never held: whoever needs them asks for some rows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

#: numbers of one band, 4 bytes each: what a processor's cache holds; on an accelerator, where each call costs, more
BAND, BAND_ON_DEVICE = 1 << 20, 1 << 26


class Logits(ABC):
    """Logits (K, H, W) of one image, by rows."""

    size: tuple[int, int]
    classes: int
    device: torch.device

    @abstractmethod
    def rows(self, low: int, high: int) -> Tensor:
        """Rows ``low`` to ``high``: (K, high - low, W) float32."""

    def bands(self) -> Iterator[tuple[int, Tensor]]:
        """(first row, (K, rows, W) float32), from the top to the bottom."""
        height, width = self.size
        numbers = BAND if self.device.type == "cpu" else BAND_ON_DEVICE
        step = max(1, numbers // (self.classes * width))
        for low in range(0, height, step):
            yield low, self.rows(low, min(low + step, height))

    def whole(self) -> Tensor:
        """All of them: (K, H, W) float32."""
        return self.rows(0, self.size[0])


class Held(Logits):
    """Logits (K, H, W) in memory."""

    def __init__(self, values: Tensor) -> None:
        self.values = values
        self.classes, height, width = values.shape
        self.size = (height, width)
        self.device = values.device

    def rows(self, low: int, high: int) -> Tensor:
        """As in `Logits`."""
        return self.values[:, low:high].float()


class Resized(Logits):
    """Bilinearly resized to ``size``, as `segue.layers.resize.resize` does it."""

    def __init__(self, source: Logits, size: Sequence[int], align_corners: bool) -> None:
        self.source, self.align_corners = source, align_corners
        self.size = (size[0], size[1])
        self.classes, self.device = source.classes, source.device
        self.axis = Axis.of(source.size[0], self.size[0], align_corners, self.device)

    def rows(self, low: int, high: int) -> Tensor:
        """As in `Logits`."""
        if self.size[0] == self.source.size[0]:
            found = self.source.rows(low, high)
        else:
            above, below, share = (part[low:high] for part in (self.axis.above, self.axis.below, self.axis.share))
            first, last = int(above[0]), int(below[-1])
            seen = self.source.rows(first, last + 1)
            found = torch.lerp(seen[:, above - first], seen[:, below - first], share[:, None])
        if self.size[1] == found.shape[2]:
            return found
        wide = (found.shape[1], self.size[1])
        return F.interpolate(found[None], size=wide, mode="bilinear", align_corners=self.align_corners)[0]


class Cropped(Logits):
    """Without ``left, right, top, bottom`` columns and rows."""

    def __init__(self, source: Logits, padding: Sequence[int]) -> None:
        left, right, self.top, bottom = padding
        self.source = source
        self.columns = slice(left, source.size[1] - right)
        self.size = (source.size[0] - self.top - bottom, source.size[1] - left - right)
        self.classes, self.device = source.classes, source.device

    def rows(self, low: int, high: int) -> Tensor:
        """As in `Logits`."""
        return self.source.rows(self.top + low, self.top + high)[..., self.columns]


class Mirrored(Logits):
    """Upside down (``vertical``), left to right (``horizontal``), or both (``diagonal``)."""

    def __init__(self, source: Logits, direction: str) -> None:
        self.source = source
        self.vertical, self.horizontal = direction != "horizontal", direction != "vertical"
        self.size, self.classes, self.device = source.size, source.classes, source.device

    def rows(self, low: int, high: int) -> Tensor:
        """As in `Logits`."""
        height = self.size[0]
        found = self.source.rows(height - high, height - low) if self.vertical else self.source.rows(low, high)
        axes = [axis for axis, turned in ((1, self.vertical), (2, self.horizontal)) if turned]
        return found.flip(axes)


class Windows(Logits):
    """The weighted mean of windows that overlap and cover ``size``.

    Args:
        windows: (top, left, logits) of each.
        size: (H, W) of the whole.
        weight: (h, w) of a window's pixels; by default each counts the same.
    """

    def __init__(
        self, windows: Sequence[tuple[int, int, Logits]], size: Sequence[int], weight: Tensor | None = None
    ) -> None:
        self.windows, self.weight = windows, weight
        self.size = (size[0], size[1])
        self.classes, self.device = windows[0][2].classes, windows[0][2].device

    def rows(self, low: int, high: int) -> Tensor:
        """As in `Logits`."""
        total = torch.zeros(self.classes, high - low, self.size[1], device=self.device)
        count = torch.zeros(high - low, self.size[1], device=self.device)
        for top, left, window in self.windows:
            first, last = max(low, top), min(high, top + window.size[0])
            if first >= last:
                continue
            place = (..., slice(first - low, last - low), slice(left, left + window.size[1]))
            found = window.rows(first - top, last - top)
            if self.weight is None:
                total[place] += found
                count[place] += 1
            else:
                weight = self.weight[first - top : last - top, : window.size[1]]
                total[place] += found * weight
                count[place] += weight
        return total.div_(count)


def mean_bands(views: Sequence[Logits], meaning: Callable[[Tensor], Tensor]) -> Iterator[tuple[int, Tensor]]:
    """(first row, (K, rows, W) float32), the mean over an image's views of what their logits mean, band by band."""
    for low, band in views[0].bands():
        total = meaning(band)
        for view in views[1:]:
            total = total + meaning(view.rows(low, low + band.shape[1]))
        yield low, total / len(views)


def bell(side: int) -> Tensor:
    """(side,) float32: how much the pixels of a window count along an axis, by a Gaussian of an eighth of its side.

    As in nnU-Net (https://arxiv.org/abs/1809.10486).
    """
    place = (torch.arange(side, dtype=torch.float64) + 0.5) / side - 0.5
    return torch.exp(-0.5 * (8 * place) ** 2).float()


@dataclass(frozen=True)
class Axis:
    """Where each of n pixels along an axis lies between two of the source: ``above * (1 - share) + below * share``."""

    above: Tensor
    below: Tensor
    share: Tensor

    @classmethod
    def of(cls, source: int, target: int, align_corners: bool, device: torch.device) -> Axis:
        """The axis of a resize from ``source`` to ``target`` pixels, in torch's own arithmetic (float32)."""
        pixels = torch.arange(target, dtype=torch.float32, device=device)
        if align_corners:
            place = pixels * ((source - 1) / max(target - 1, 1))
        else:
            place = ((pixels + 0.5) * (source / target) - 0.5).clamp_min(0)
        above = place.floor().long().clamp_max(source - 1)
        return cls(above, (above + 1).clamp_max(source - 1), place - above)
