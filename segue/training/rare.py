"""Rare-class sampling (DAFormer, Hoyer et al., arXiv:2111.14887, section 3.2): rare classes come more often.

With f_c the share of class c in all labeled pixels, a class is drawn with P(c) = softmax((1 - f_c) / T), equation 8,
then one of the images that have it, all alike. So there are no passes over the data: an image may come twice before
another comes once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from segue.doctor.counts import LabelCounts
from segue.errors import DataError
from segue.training.streams import Draw, TrainStream, mix


@dataclass(frozen=True, kw_only=True)
class RareClassSampler:
    """``sampler=dict(type='RareClassSampler', temperature=0.01)`` of ``train_dataloader``.

    Attributes:
        temperature: T; smaller draws rare classes more often, a large one all classes equally.
        min_pixels: an image has a class with more pixels than this; where none has so many, with any.
        seed: overrides the run's seed for the order.
    """

    temperature: float = 0.01
    min_pixels: int = 3000
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.temperature <= 0 or self.min_pixels < 0:
            raise ValueError(f"temperature={self.temperature}, min_pixels={self.min_pixels}: above 0, and 0 or more")


class RareClassStream(TrainStream):
    """A `TrainStream` whose n-th draw is a function of the seed and n, as any stream's, and so resumes exactly."""

    def draw_from(self, counts: LabelCounts, sampler: RareClassSampler) -> RareClassStream:
        """Set what is drawn from."""
        pixels = counts.per_class()
        if not pixels.any():
            raise DataError("rare-class sampling: all labels of the training data are ignored")
        there = np.flatnonzero(pixels)
        logits = (1 - pixels[there] / pixels.sum()) / sampler.temperature
        odds = np.exp(logits - logits.max())
        #: (classes that occur,) the chance of each.
        self.classes, self.chances = there, odds / odds.sum()
        self.samples = [counts.samples_of(int(c), sampler.min_pixels) for c in there]
        self._until = np.cumsum(self.chances)
        return self

    def _draw(self, turn: int, offset: int, position: int) -> Draw:
        generator = np.random.default_rng(mix(self.seed, 3, position))
        chosen = min(int(np.searchsorted(self._until, generator.random(), side="right")), len(self.samples) - 1)
        samples = self.samples[chosen]
        return Draw(int(samples[generator.integers(len(samples))]), mix(self.seed, 1, position))
