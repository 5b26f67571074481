"""Bootstrap of sums over images: how much a number depends on which images a test set happens to hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from segue.images.read import Array


class Bootstrap:
    """Resamples images with replacement while they pass, so that none is kept.

    Each resample draws ``count`` of ``count`` images. How often it draws the i-th is binomial given what it has drawn
    of those before, which is the multinomial draw one image after another; only the sums are held.

    Args:
        count: images that will pass.
        resamples: how many.
        seed: of the draws.
    """

    def __init__(self, count: int, resamples: int, seed: int = 0) -> None:
        self._left = np.full(resamples, count)
        self._images = count
        self._rng = np.random.default_rng(seed)
        self.sums: Array | None = None

    def add(self, values: Array) -> None:
        """The next image's summands, (...) of any shape that all images share; ``sums`` is (resamples, ...)."""
        drawn = self._rng.binomial(self._left, 1 / self._images)
        self._left -= drawn
        self._images -= 1
        if self.sums is None:
            self.sums = np.zeros((len(drawn), *values.shape))
        self.sums += drawn.reshape(-1, *[1] * values.ndim) * values

    def interval(self, measure: Callable[[Array], Array], level: float = 0.95) -> tuple[Array, Array]:
        """Percentiles of ``measure(sums)``, whose first axis is that of the resamples; nan where all of them are."""
        assert self.sums is not None, "no image has passed"
        found = measure(self.sums)
        none = np.isnan(found).all(axis=0)
        found = np.where(none, 0.0, found)
        low, high = np.nanquantile(found, [(1 - level) / 2, (1 + level) / 2], axis=0)
        return np.where(none, np.nan, low), np.where(none, np.nan, high)
