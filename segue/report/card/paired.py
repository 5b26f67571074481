"""Whether one model is better than another on the same images, or whether the difference is noise.

The p-value is that of approximate randomization (Noreen 1989; Yeh 2000, https://aclanthology.org/C00-2137): if the
models were alike, it would not matter which of the two made which image's areas, so these are swapped at random, 2000
times, and p is how often the difference of mIoU over the data set becomes at least as large. The interval is that of a
paired bootstrap over images (Efron and Tibshirani 1993): both models with the same images drawn. Of several comparisons
the p-values are multiplied as Holm (1979) has it. A difference counts where p < 0.05.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from segue.errors import DataError
from segue.images.read import Array
from segue.report.card import overlap, results
from segue.report.card.overlap import ImageAreas

SWAPS, RESAMPLES, LEVEL = 2000, 1000, 0.05
_AT_ONCE = 64


@dataclass(frozen=True)
class Comparison:
    """The second run less the first, percent of mIoU: over the data set, its interval, and the mean over images."""

    first: str
    second: str
    images: int
    difference: float
    interval: tuple[float, float]
    per_image: float
    p: float
    classes: Sequence[float]
    better: int
    worse: int
    said: tuple[str, ...] = ()
    comparisons: int = 1

    @property
    def few(self) -> bool:
        """Whether so few images could not make a difference count, however large: n images swap in 2 ** n ways."""
        return self.images < 30 and self.comparisons * 2 / 2**self.images >= LEVEL

    @property
    def noise(self) -> bool:
        """Whether the difference may as well be one of images drawn."""
        return not self.p < LEVEL

    @property
    def sentence(self) -> str:
        """What it means."""
        low, high = self.interval
        facts = f"(95 %: {low:+.2f} to {high:+.2f}; p = {self.p:.3f}, {self.images} images)"
        if self.few:
            return (
                f"{self.images} images are too few to tell whether the difference of {self.difference:+.2f} mIoU "
                f"between {self.second} and {self.first} is more than noise."
            )
        if self.noise:
            between = f"between {self.second} and {self.first}"
            return f"The difference of {self.difference:+.2f} mIoU {between} is noise {facts}."
        word = "better" if self.difference > 0 else "worse"
        return f"{self.second} is {word} than {self.first} by {abs(self.difference):.2f} mIoU {facts}."


def compare(runs: Sequence[tuple[str, Mapping[str, Any]]], seed: int = 0) -> list[Comparison]:
    """Each run against the first.

    Args:
        runs: names and cards.
        seed: of swaps and resamples.

    Raises:
        DataError: classes differ, or no image is in both.
    """
    (name, card), *others = runs
    found = [_pair(name, card, other, other_card, seed) for other, other_card in others]
    order = sorted(range(len(found)), key=lambda i: found[i].p)
    least = 0.0
    for rank, index in enumerate(order):
        least = max(least, min(1.0, found[index].p * (len(found) - rank)))
        found[index] = replace(found[index], p=least, comparisons=len(found))
    return found


def _pair(name: str, card: Mapping[str, Any], other: str, other_card: Mapping[str, Any], seed: int) -> Comparison:
    classes = list(results.names(card))
    if classes != list(results.names(other_card)):
        raise DataError(f"{name} and {other} have different classes, so their mIoU cannot be compared")
    sides = [_by_name(one) for one in (card, other_card)]
    common = [image for image in sides[0] if image in sides[1]]
    if not common:
        raise DataError(f"{name} and {other} were measured on different images: no name is in both")
    said = [
        f"{len(side) - len(common)} images are only in {owner}"
        for owner, side in ((name, sides[0]), (other, sides[1]))
        if len(side) > len(common)
    ]
    a, b = (np.stack([side[image].dense(len(classes)).ravel() for image in common]) for side in sides)
    truths = (a.reshape(len(common), 6, -1)[:, 2] != b.reshape(len(common), 6, -1)[:, 2]).any(axis=1)
    if truths.any():
        said.append(f"{int(truths.sum())} images have other labels in one of them: the data has changed in between")
    own = [np.array([side[image].miou for image in common]) for side in sides]
    gaps = own[1] - own[0]
    known = gaps[~np.isnan(gaps)]
    of_classes = overlap.overlap(_sum(b)) - overlap.overlap(_sum(a))
    return Comparison(
        name,
        other,
        len(common),
        100 * float(_miou(b.sum(0)) - _miou(a.sum(0))),
        _interval(a, b, seed),
        100 * overlap.mean(gaps),
        _randomized(a, b, seed),
        [100 * float(v) for v in of_classes],
        int((known > 0).sum()),
        int((known < 0).sum()),
        tuple(said),
    )


def _by_name(card: Mapping[str, Any]) -> dict[str, ImageAreas]:
    return {image.name: image for image in results.areas(card)}


def _sum(flat: Array) -> Array:
    """(3, C)."""
    found: Array = flat.sum(0).reshape(6, -1)[:3]
    return found


def _miou(sums: Array) -> Array:
    """Of sums (..., 6 * C)."""
    return overlap.means(overlap.overlap(sums.reshape(*sums.shape[:-1], 6, -1)[..., :3, :]))


def _interval(a: Array, b: Array, seed: int) -> tuple[float, float]:
    found = np.concatenate([_miou(drawn @ b) - _miou(drawn @ a) for drawn in overlap.draws(len(a), RESAMPLES, seed)])
    low, high = np.nanquantile(found, [0.025, 0.975])
    return 100 * float(low), 100 * float(high)


def _randomized(a: Array, b: Array, seed: int) -> float:
    rng = np.random.default_rng(seed)
    observed = abs(float(_miou(b.sum(0)) - _miou(a.sum(0))))
    gap, reached = b - a, 0
    for start in range(0, SWAPS, _AT_ONCE):
        moved = rng.integers(0, 2, (min(_AT_ONCE, SWAPS - start), len(a))) @ gap
        differences = _miou(b.sum(0) - moved) - _miou(a.sum(0) + moved)
        reached += int((np.abs(differences) >= observed - 1e-12).sum())
    return (reached + 1) / (SWAPS + 1)
