"""Probabilities of an image's pixels, made of logits when they are asked for, band by band."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segue.errors import InputError
from segue.inference.logits import Axis, Held, Logits, Windows, mean_bands

Numbers = NDArray[Any]
#: Types of a file of probabilities.
STORED = ("float16", "uint8")


class Probabilities:
    """(K, H, W) of one image, of which nothing but the logits at the network's resolution is held.

    Args:
        views: logits of the image's views, or (K, H, W) probabilities.
        classes: K. Where it is two and the network has one logit, the first is what the second leaves over.
        sigmoid: whether each logit is one class's own.
    """

    def __init__(self, views: Sequence[Logits] | Tensor, classes: int, sigmoid: bool) -> None:
        self.ready = isinstance(views, Tensor)
        held: Sequence[Logits] = [Held(views)] if isinstance(views, Tensor) else views
        self.views = [on_cpu(one) for one in held]
        self.classes, self.sigmoid = classes, sigmoid

    @property
    def size(self) -> tuple[int, int]:
        """(H, W)."""
        return self.views[0].size

    @property
    def nbytes(self) -> int:
        """Bytes that are held."""
        return sum(part.values.nbytes for view in self.views for part in _held(view))

    @torch.no_grad()
    def bands(self) -> Iterator[tuple[int, Numbers]]:
        """(first row, (K, rows, W) float32), from the top to the bottom."""
        for low, total in mean_bands(self.views, self._meant):
            if len(total) == 1 and self.classes == 2:
                yield low, torch.cat([1 - total, total]).numpy()
            else:
                yield low, total.numpy()

    def _meant(self, logits: Tensor) -> Tensor:
        if self.ready:
            return logits
        return logits.sigmoid() if self.sigmoid else logits.softmax(dim=0)

    def whole(self) -> Numbers:
        """All of them: (K, H, W) float32, which takes four bytes per class and pixel."""
        return np.concatenate([band for _, band in self.bands()], axis=1)

    def confidence(self) -> Numbers:
        """(H, W) float32, the probability of the likeliest class."""
        return np.concatenate([band.max(axis=0) for _, band in self.bands()])

    def entropy(self) -> Numbers:
        """(H, W) float32 in nats: 0 where one class is certain, ln K where all are as likely."""
        return np.concatenate([_entropy(band) for _, band in self.bands()])

    def write(self, path: Path, stored: str = "float16") -> None:
        """Write (K, H, W) as a numpy file, a band at a time.

        ``float16`` rounds to the nearest. ``uint8`` holds 255ths: each is rounded down, and what then is missing to 255
        goes to the classes with the largest remainders, one each, so that the classes of a pixel sum to exactly 255;
        classes that do not exclude each other are rounded to the nearest.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        file: Any = None
        for low, band in self.bands():
            if file is None:
                shape = (len(band), *self.size)
                file = np.lib.format.open_memmap(path, "w+", np.dtype(stored), shape)
            several = self.sigmoid and len(band) != 2
            file[:, low : low + band.shape[1]] = band if stored == "float16" else in_bytes(band, not several)
        if file is not None:
            file.flush()


def in_bytes(shares: Numbers, whole: bool) -> Numbers:
    """Probabilities (K, ...) as 255ths, uint8; ``whole``: those of a pixel sum to 255, by largest remainders."""
    scaled = shares * np.float32(255)
    if not whole:
        rounded: Numbers = np.rint(scaled).astype(np.uint8)
        return rounded
    floor = np.floor(scaled)
    missing = np.rint(255 - floor.sum(axis=0)).astype(np.int64)
    order = np.argsort(floor - scaled, axis=0, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(len(order)).reshape(-1, *[1] * (order.ndim - 1)), axis=0)
    found: Numbers = (floor + (rank < missing)).astype(np.uint8)
    return found


def _entropy(band: Numbers) -> Numbers:
    found: Numbers = -(band * np.log(np.maximum(band, np.finfo(np.float32).tiny))).sum(axis=0)
    return found


def on_cpu(logits: Logits) -> Logits:
    """The same in the computer's own memory."""
    place = torch.device("cpu")
    if logits.device == place:
        return logits
    if isinstance(logits, Held):
        return Held(logits.values.cpu())
    moved: Any = copy.copy(logits)
    moved.device = place
    if isinstance(logits, Windows):
        moved.windows = [(top, left, on_cpu(one)) for top, left, one in logits.windows]
        moved.weight = None if logits.weight is None else logits.weight.cpu()
        return moved  # type: ignore[no-any-return]
    moved.source = on_cpu(moved.source)
    if hasattr(moved, "axis"):
        moved.axis = Axis.of(moved.source.size[0], moved.size[0], moved.align_corners, place)
    return moved  # type: ignore[no-any-return]


def _held(logits: Any) -> Iterator[Held]:
    """What is in memory below logits."""
    if isinstance(logits, Held):
        yield logits
    elif isinstance(logits, Windows):
        for _, _, one in logits.windows:
            yield from _held(one)
    else:
        yield from _held(logits.source)


def missing() -> InputError:
    """What is said where a prediction has no probabilities."""
    return InputError(
        "this prediction has no probabilities: it was made with keep_logits=False, read from a file, or by a model "
        "that predicts in its own way or was exported with --labels-out"
    )
