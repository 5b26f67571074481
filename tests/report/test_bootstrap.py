"""The bootstrap that keeps no image. Oracle: numpy's choice of images with replacement, and sums that are known."""

from __future__ import annotations

import numpy as np

from segue.report.bootstrap import Bootstrap


def test_every_resample_draws_as_many_images_as_there_are():
    bootstrap = Bootstrap(7, 500, seed=1)
    for _ in range(7):
        bootstrap.add(np.ones(2))
    assert bootstrap.sums is not None and (bootstrap.sums == 7).all()


def test_how_often_an_image_is_drawn():
    """Multinomial: each of 5 images 1 time on average, with variance 5 * 0.2 * 0.8 and covariance -5 * 0.2 * 0.2."""
    bootstrap = Bootstrap(5, 40_000, seed=2)
    for i in range(5):
        bootstrap.add(np.eye(5)[i])
    draws = bootstrap.sums
    assert draws is not None
    assert np.abs(draws.mean(axis=0) - 1).max() < 0.02
    expected = np.where(np.eye(5) > 0, 0.8, -0.2)
    assert np.abs(np.cov(draws.T) - expected).max() < 0.03


def test_interval_as_of_resampling_with_choice():
    values = np.random.default_rng(0).normal(3, 2, 60)
    bootstrap = Bootstrap(60, 20_000, seed=3)
    for value in values:
        bootstrap.add(np.array([value, 1.0]))
    low, high = bootstrap.interval(lambda sums: sums[:, :1] / sums[:, 1:])
    rng = np.random.default_rng(4)
    means = [rng.choice(values, 60).mean() for _ in range(20_000)]
    assert np.abs(np.array([low[0], high[0]]) - np.quantile(means, [0.025, 0.975])).max() < 0.03


def test_one_image_leaves_nothing_open():
    bootstrap = Bootstrap(1, 100)
    bootstrap.add(np.array([3.0, 4.0]))
    low, high = bootstrap.interval(lambda sums: np.column_stack([sums[:, 0] / sums[:, 1], np.full(len(sums), np.nan)]))
    assert low[0] == high[0] == 0.75
    assert np.isnan(low[1]) and np.isnan(high[1]), "what no resample has stays unknown"
