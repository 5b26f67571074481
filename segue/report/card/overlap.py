"""Areas of each image and class, and what follows from them: IoU and boundary IoU with intervals, per image and in all.

Kept of each image are six areas of each class that it has: of intersection, prediction and truth, and the same near
borders. Intervals are those of a bootstrap over images (Efron 1979): 95 % of the resamples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from segue.images.read import Array
from segue.masks.borders import near_border

_AT_ONCE = 64  # resamples whose draws are held


@dataclass
class ImageAreas:
    """One image.

    Attributes:
        name: of its file, below what all have in common.
        classes: ids of the classes in truth or prediction.
        areas: (6, classes) int64.
    """

    name: str
    classes: list[int] = field(default_factory=list)
    areas: list[list[int]] = field(default_factory=list)

    def dense(self, count: int) -> Array:
        """(6, count)."""
        found = np.zeros((6, count))
        if self.classes:
            found[:, self.classes] = self.areas
        return found

    @property
    def miou(self) -> float:
        """Mean IoU of its classes, 0 to 1; nan without any."""
        return mean(overlap(np.array(self.areas, float).reshape(6, -1)[:3]))


def areas_of(true: Array, predicted: Array, count: int, void: Array, boundary: float = 0.02) -> tuple[Array, Array]:
    """Confusion (count, count) and areas (6, count) of one image.

    Args:
        true, predicted: (H, W) class ids; ``true`` may hold anything where ``void`` is set.
        count: number of classes.
        void: (H, W), pixels that do not count.
        boundary: how far from a border is near, as a share of the diagonal; as in `segue.report.score`.
    """
    true, predicted = (np.where(void, count, side).astype(np.int64) for side in (true, predicted))
    confusion = np.bincount((true * (count + 1) + predicted).ravel(), minlength=(count + 1) ** 2)
    confusion = confusion.reshape(count + 1, count + 1)[:count, :count]
    distance = max(1, round(boundary * math.hypot(*true.shape)))
    near_true, near_predicted = near_border(true, distance), near_border(predicted, distance)
    both = near_true & near_predicted & (true == predicted)
    pairs = ((true, both), (predicted, near_predicted), (true, near_true))
    near = [np.bincount(values[where], minlength=count + 1)[:count] for values, where in pairs]
    return confusion, np.stack([confusion.diagonal(), confusion.sum(0), confusion.sum(1), *near])


def areas_of_stack(true: Array, predicted: Array, unknown: Array, boundary: float = 0.02) -> Array:
    """Areas (6, K) of one image whose pixels may have several classes, (K, H, W) each."""
    found = []
    distance = max(1, round(boundary * math.hypot(*true.shape[1:])))
    for real, seen, void in zip(true, predicted, unknown, strict=True):
        a, b = real.astype(bool) & ~void, seen.astype(bool) & ~void
        near_a, near_b = near_border(a.astype(np.uint8), distance) & a, near_border(b.astype(np.uint8), distance) & b
        found.append([(a & b).sum(), b.sum(), a.sum(), (near_a & near_b).sum(), near_b.sum(), near_a.sum()])
    areas: Array = np.array(found, np.int64).reshape(-1, 6).T
    return areas


def image_areas(name: str, areas: Array) -> ImageAreas:
    """Without the classes that are not there."""
    there = np.flatnonzero(areas[:3].any(axis=0))
    return ImageAreas(name, there.tolist(), areas[:, there].astype(np.int64).tolist())


def overlap(areas: Array) -> Array:
    """IoU (..., C) of areas (..., 3, C); nan where a class is in neither."""
    both, predicted, true = (areas[..., i, :].astype(np.float64) for i in range(3))
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Array = both / (predicted + true - both)
    return found


def mean(values: Array) -> float:
    """Without nan; nan of nothing."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else math.nan


def means(values: Array) -> Array:
    """The same over the last axis."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        found: Array = np.where(known, values, 0).sum(-1) / known.sum(-1)
    return found


def draws(images: int, resamples: int, seed: int = 0) -> Any:
    """How often each resample draws each image, (resamples, images), some at a time; the same for the same seed."""
    rng = np.random.default_rng(seed)
    for start in range(0, resamples, _AT_ONCE):
        yield rng.multinomial(images, np.full(images, 1 / images), min(_AT_ONCE, resamples - start))


def intervals(images: Sequence[ImageAreas], count: int, resamples: int = 1000, seed: int = 0) -> dict[str, Array]:
    """(2,) or (C, 2) bounds of 95 % of the resamples, 0 to 1: ``IoU``, ``mIoU``, ``boundary mIoU``, ``mIoU per image``.

    Empty for fewer than two images.
    """
    if len(images) < 2:
        return {}
    flat = np.stack([image.dense(count).ravel() for image in images])
    own = np.array([image.miou for image in images])
    rows = []
    for drawn in draws(len(images), resamples, seed):
        sums = (drawn @ flat).reshape(len(drawn), 6, count)
        classes = overlap(sums[:, :3])
        known = ~np.isnan(own)
        with np.errstate(invalid="ignore", divide="ignore"):
            per_image = drawn[:, known] @ own[known] / drawn[:, known].sum(1)
        rows.append(np.column_stack([means(classes), means(overlap(sums[:, 3:])), per_image, classes]))
    found = np.concatenate(rows)
    empty = np.isnan(found).all(axis=0)
    bounds = np.nanquantile(np.where(empty, 0, found), [0.025, 0.975], axis=0).T
    bounds[empty] = math.nan
    return {"mIoU": bounds[0], "boundary mIoU": bounds[1], "mIoU per image": bounds[2], "IoU": bounds[3:]}
