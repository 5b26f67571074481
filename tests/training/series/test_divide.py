"""Folds of the same size and the same classes."""

from __future__ import annotations

import numpy as np
import pytest

from segue.training.series.divide import contents, divide


def made(count: int, classes: int, seed: int = 0) -> tuple[list[str], dict[str, np.ndarray]]:
    """Names, and pixels of classes of very different frequency, half of which an image does not have."""
    draw = np.random.default_rng(seed)
    often = draw.dirichlet(np.full(classes, 0.3)) * 1e5
    pixels = draw.gamma(0.3, 1, (count, classes)) * often * (draw.random((count, classes)) < 0.5)
    names = [f"{i:04d}.png" for i in range(count)]
    return names, dict(zip(names, pixels.astype(np.int64), strict=True))


def unevenness(place: list[int], pixels: list[np.ndarray], count: int) -> float:
    """How far the folds' shares of a class's pixels are from equal ones, at most; the mean over classes."""
    content = contents(pixels, [1] * len(place))[:, :-1]
    held = np.array([content[[i for i, fold in enumerate(place) if fold == own]].sum(0) for own in range(count)])
    return float(np.abs(held * count - 1).max(axis=0).mean())


@pytest.mark.parametrize(("images", "classes", "count"), [(20, 3, 5), (100, 11, 5), (103, 4, 10), (7, 3, 7), (8, 2, 3)])
def test_sizes_and_shares(images: int, classes: int, count: int) -> None:
    """Sizes differ by one at most; shares are nearer to each other than in nine of ten random divisions."""
    names, pixels = made(images, classes)
    place = divide(names, [1] * images, pixels, count)
    sizes = np.bincount(place, minlength=count)
    assert sizes.max() - sizes.min() <= 1 and sizes.sum() == images
    draw = np.random.default_rng(1)
    rows = [pixels[name] for name in names]
    drawn = [unevenness(list(draw.permutation(np.arange(images) % count)), rows, count) for _ in range(50)]
    assert unevenness(place, rows, count) <= np.quantile(drawn, 0.1)


def test_one_answer() -> None:
    """The order in which images are given does not matter."""
    names, pixels = made(30, 4)
    place = dict(zip(names, divide(names, [1] * 30, pixels, 4), strict=True))
    turned = names[::-1]
    assert dict(zip(turned, divide(turned, [1] * 30, pixels, 4), strict=True)) == place


def test_a_rare_class_is_spread() -> None:
    """By hand: of ten images five have ten pixels of a class beside millions of another; each fold of five gets one."""
    names = [f"{i}" for i in range(10)]
    pixels = {name: np.array([5_000_000 + 1000 * i, 10 * (i < 5)]) for i, name in enumerate(names)}
    place = divide(names, [1] * 10, pixels, 5)
    assert sorted(place[:5]) == [0, 1, 2, 3, 4] and sorted(place[5:]) == [0, 1, 2, 3, 4]


def test_groups_of_other_sizes() -> None:
    """Every fold has something, whatever one group takes; equal images without classes are dealt out."""
    nothing = {name: np.zeros(0, np.int64) for name in "abcdef"}
    assert sorted(divide(list("abc"), [50, 1, 1], nothing, 3)) == [0, 1, 2]
    assert np.bincount(divide(list("abcdef"), [1] * 6, nothing, 3)).tolist() == [2, 2, 2]
    place = divide(list("abcd"), [3, 3, 2, 2], nothing, 2)
    assert sorted(np.bincount(place, weights=[3, 3, 2, 2])) == [5, 5]
