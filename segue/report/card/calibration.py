"""Whether a model's probabilities are what they say: reliability, ECE, and the one number that mends most of it.

A temperature T divides the logits before the softmax (Guo et al. 2017, arXiv:1706.04599). It is fitted on half of the
images, those whose name has an even CRC-32, to make the labels' mean negative log-likelihood smallest; everything that
is shown is measured on the other half. From each image a bounded number of pixels is taken, evenly. The expected
calibration error is the mean over 15 bins of equal width, weighted by their pixels, of | accuracy - confidence |.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass, field

import numpy as np

from segue.images.read import Array

BINS = 15
#: numbers (pixels by classes) that are held of each half: 32 MB
_HELD = 8_000_000
_FEWEST, _MOST = 16, 4096  # pixels of an image


def fits(name: str) -> bool:
    """Whether an image is of the half that the temperature is fitted on."""
    return zlib.crc32(name.encode("utf-8", "surrogatepass")) % 2 == 0


@dataclass
class Reliability:
    """By bins of confidence: pixels, sum of confidences, right pixels."""

    table: Array = field(default_factory=lambda: np.zeros((3, BINS)))

    @classmethod
    def of(cls, confidence: Array, right: Array) -> Reliability:
        """Of pixels (n,)."""
        bins = np.clip((confidence * BINS).astype(int), 0, BINS - 1)
        sums = [np.bincount(bins, weights, BINS) for weights in (np.ones(len(bins)), confidence, right.astype(float))]
        return cls(np.stack(sums))

    @property
    def ece(self) -> float:
        """Expected calibration error, 0 to 1; nan without pixels."""
        total = self.table[0].sum()
        return float(np.abs(self.table[2] - self.table[1]).sum() / total) if total else math.nan

    def rows(self) -> list[tuple[float, float, float]]:
        """(confidence, accuracy, share of the pixels) of each bin that has pixels."""
        count, sure, right = self.table
        total = count.sum()
        return [(s / c, r / c, c / total) for c, s, r in zip(count, sure, right, strict=True) if c]


@dataclass(frozen=True)
class Calibration:
    """What was found: before and after scaling by ``temperature``, on ``measured`` pixels; fitted on ``fitted``."""

    temperature: float
    before: Reliability
    after: Reliability
    fitted: int
    measured: int


class Pixels:
    """Logarithms of probabilities and labels of some pixels of each image, in two halves.

    Args:
        images: that will pass, to share out what may be held.
        classes: of each pixel.
    """

    def __init__(self, images: int, classes: int) -> None:
        self.quota = int(np.clip(_HELD // max(1, images * classes // 2), _FEWEST, _MOST))
        self.most = max(1, _HELD // classes)
        self.halves: tuple[list[tuple[Array, Array]], list[tuple[Array, Array]]] = ([], [])
        self.counts = [0, 0]

    def add(self, name: str, logs: Array, labels: Array) -> None:
        """Log-probabilities (n, classes) and class ids (n,) of an image's labeled pixels."""
        half = 0 if fits(name) else 1
        room = min(self.quota, self.most - self.counts[half])
        if not len(labels) or room <= 0:
            return
        rng = np.random.default_rng(zlib.crc32(name.encode("utf-8", "surrogatepass")))
        chosen = rng.permutation(len(labels))[:room]
        self.halves[half].append((logs[chosen].astype(np.float32), labels[chosen].astype(np.int32)))
        self.counts[half] += len(chosen)

    def parts(self) -> list[tuple[Array, Array]]:
        """(logs, labels) of both halves, which may be empty."""
        found = []
        for half in self.halves:
            logs = np.concatenate([one for one, _ in half]) if half else np.zeros((0, 1), np.float32)
            labels = np.concatenate([one for _, one in half]) if half else np.zeros(0, np.int32)
            found.append((logs, labels))
        return found

    def calibration(self) -> Calibration | None:
        """Fit and measure; None where one of the halves has no pixels."""
        return calibrate(self.parts())


def calibrate(parts: list[tuple[Array, Array]]) -> Calibration | None:
    """Of (logs, labels) of the half to fit on and the half to measure."""
    (logs, labels), (other, truth) = parts
    if not len(labels) or not len(truth):
        return None
    temperature = fit(logs, labels)
    before, after = (reliability(other, truth, t) for t in (1.0, temperature))
    return Calibration(temperature, before, after, len(labels), len(truth))


def reliability(logs: Array, labels: Array, temperature: float) -> Reliability:
    """Of the scaled probabilities."""
    scaled = logs.astype(np.float64) / temperature
    best = scaled.max(axis=1)
    confidence = 1 / np.exp(scaled - best[:, None]).sum(axis=1)
    return Reliability.of(confidence, scaled.argmax(axis=1) == labels)


def fit(logs: Array, labels: Array) -> float:
    """The temperature of 0.05 to 20 with the smallest mean negative log-likelihood, by golden sections of its
    logarithm: in 1 / T it has one minimum.
    """
    low, high = math.log(0.05), math.log(20)
    golden = (math.sqrt(5) - 1) / 2
    inner = [high - golden * (high - low), low + golden * (high - low)]
    values = [_likelihood(logs, labels, math.exp(t)) for t in inner]
    while high - low > 1e-3:
        if values[0] < values[1]:
            high, inner = inner[1], [inner[1] - golden * (inner[1] - low), inner[0]]
            values = [_likelihood(logs, labels, math.exp(inner[0])), values[0]]
        else:
            low, inner = inner[0], [inner[1], inner[0] + golden * (high - inner[0])]
            values = [values[1], _likelihood(logs, labels, math.exp(inner[1]))]
    return math.exp((low + high) / 2)


def _likelihood(logs: Array, labels: Array, temperature: float) -> float:
    total = 0.0
    for start in range(0, len(labels), 100_000):
        scaled = logs[start : start + 100_000].astype(np.float64) / temperature
        best = scaled.max(axis=1)
        own = scaled[np.arange(len(scaled)), labels[start : start + 100_000]]
        total += float((np.log(np.exp(scaled - best[:, None]).sum(axis=1)) + best - own).sum())
    return total / len(labels)
