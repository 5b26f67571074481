"""``segue score``: how good label maps are, wherever they come from, measured file by file against the truth.

What counts as wrong, and is said with its pixels:

- a value of a prediction that is no class (also 255): the pixel belongs to its true class and to no predicted one;
- a value of a truth that is neither a class nor ignored: whatever is predicted there is predicted too much;
- a truth without a prediction: all its pixels, as if a value were predicted that is no class.

Predictions without a truth are named and not measured. Areas are as of `segue.metrics.iou.IoUMetric`; boundary IoU is
the IoU of those parts of true and predicted masks that are near their borders, of all images together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.console import Console

from segue.errors import DataError, InputError, SegueError
from segue.images.read import Array
from segue.masks.borders import near_border
from segue.masks.pairs import count_pairs
from segue.metrics.iou import IoUMetric
from segue.report.bootstrap import Bootstrap
from segue.report.scored_files import Matched, Side
from segue.system.bars import shown

_MOST_SHOWN = 20


@dataclass(frozen=True)
class ImageScore:
    """One image: shares of 0 to 1, nan where no pixel counts.

    Attributes:
        name: of the files, without suffix.
        accuracy: of the pixels that count.
        mean_iou, mean_boundary_iou: over the classes that the image or its prediction has.
    """

    name: str
    accuracy: float
    mean_iou: float
    mean_boundary_iou: float


@dataclass(frozen=True)
class Scores:
    """What was measured. Numbers are percent, nan where there is nothing to measure.

    Attributes:
        classes: names.
        summary: ``aAcc``, ``mIoU``, ``mAcc``, ``mDice``, ``mFscore``, ``mPrecision``, ``mRecall``, ``boundary mIoU``,
            and ``mIoU per image`` and ``boundary mIoU per image``, the means over images.
        intervals: (low, high) of 95 % of the resamples, for names of ``summary`` and ``IoU/<class>``; empty without
            a bootstrap.
        rows: one per class: ``class``, ``IoU``, ``Acc``, ``Dice``, ``Fscore``, ``Precision``, ``Recall``,
            ``Boundary IoU``.
        confusion: (C + 1, C + 1) int64 pixels, rows by truth and columns by prediction; the last of each: no class.
        images: one each, in the order of their names.
        missing: names of truths without prediction.
        extra: predictions without truth.
        outside: pixels by the values that are no class, of ``predictions`` and of ``truth``.
    """

    classes: tuple[str, ...]
    summary: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    rows: list[dict[str, str | float]]
    confusion: Array
    images: list[ImageScore]
    missing: list[str] = field(default_factory=list)
    extra: list[Path] = field(default_factory=list)
    outside: Mapping[str, Mapping[int, int]] = field(default_factory=dict)


def measure(
    files: Matched,
    predictions: Side,
    truth: Side,
    *,
    boundary: float = 0.02,
    resamples: int = 1000,
    seed: int = 0,
    beta: float = 1.0,
    console: Console | None = None,
) -> Scores:
    """Measure files one after another; memory does not grow with them but for a line of numbers each.

    Args:
        files: what belongs together.
        predictions, truth: how files are read.
        boundary: how far from a border a pixel is near it, as a share of the image's diagonal.
        resamples: of the bootstrap over images; 0 for none.
        seed: of the bootstrap.
        beta: weight of recall in the F-score.
        console: where a bar is shown.

    Raises:
        DataError: files that cannot be read, or whose sizes differ; all of them at once.
    """
    if not 0 < boundary <= 0.5:
        raise InputError(f"boundary={boundary!r} is a share of the image's diagonal: above 0, at most 0.5")
    if resamples < 0:
        raise InputError(f"resamples={resamples!r}: at least 0")
    count = len(truth.classes)
    total = np.zeros((count + 1, count + 1), np.int64)
    near_total = np.zeros((3, count), np.int64)
    bootstrap = Bootstrap(len(files.pairs), resamples, seed) if resamples else None
    images: list[ImageScore] = []
    failed: list[SegueError] = []
    for name, prediction_file, truth_file in shown(files.pairs, len(files.pairs), "scoring", console):
        try:
            true = truth.read(truth_file)
            predicted = np.full_like(true, count) if prediction_file is None else predictions.read(prediction_file)
            if predicted.shape != true.shape:
                raise DataError(
                    f"{prediction_file}: {_size(predicted)} pixels, but its truth {truth_file} has {_size(true)}; "
                    "predictions must have the size of the truth"
                )
        except SegueError as error:
            failed.append(error)
            continue
        confusion, near = _counts(true, predicted, count, boundary)
        total += confusion
        near_total += near
        images.append(_image(name, confusion, near))
        if bootstrap is not None:
            bootstrap.add(_summands(confusion, near))
    if failed:
        raise _failed(failed, len(files.pairs))
    rows, summary = _table(total, near_total, truth.classes, beta)
    for label, values in {
        "mIoU per image": [image.mean_iou for image in images],
        "boundary mIoU per image": [image.mean_boundary_iou for image in images],
    }.items():
        summary[label] = _percent(_mean(values))
    intervals = {} if bootstrap is None else _intervals(bootstrap, truth.classes)
    outside = {"predictions": dict(predictions.outside), "truth": dict(truth.outside)}
    return Scores(truth.classes, summary, intervals, rows, total, images, files.missing, files.extra, outside)


def _counts(true: Array, predicted: Array, count: int, boundary: float) -> tuple[Array, Array]:
    """Confusion (C + 1, C + 1), and areas near borders (3, C) of intersection, prediction and truth."""
    void = true == count + 1
    predicted = np.where(void, true, predicted)  # what does not count has the same border in both
    distance = max(1, round(boundary * math.hypot(*true.shape)))
    confusion = _pairs(true, predicted, count)
    near_true, near_predicted = near_border(true, distance), near_border(predicted, distance)
    both = near_true & near_predicted & (true == predicted)
    found = (_histogram(values, where, count) for values, where in (
        (true, both), (predicted, near_predicted), (true, near_true)))  # fmt: skip
    return confusion, np.stack(list(found))


def _pairs(true: Array, predicted: Array, count: int) -> Array:
    table = count_pairs(true, predicted)
    if table is None or table[count + 2 :].any() or count + 2 > len(table):
        keys = true.astype(np.int64) * (count + 2) + predicted
        table = np.bincount(keys.ravel(), minlength=(count + 2) ** 2).reshape(count + 2, count + 2)
    return table[: count + 1, : count + 1]


def _histogram(values: Array, where: Array, count: int) -> Array:
    return np.bincount(values[where], minlength=count)[:count]


def _summands(confusion: Array, near: Array) -> Array:
    """(6 * C + 2,): areas of intersection, prediction and truth, the same near borders; right pixels and all."""
    right_and_all = np.array([np.trace(confusion[:-1, :-1]), confusion.sum()])
    return np.concatenate([_areas(confusion).ravel(), near.ravel(), right_and_all])


def _areas(confusion: Array) -> Array:
    """(3, C): intersection, prediction, truth."""
    return np.stack([confusion.diagonal()[:-1], confusion.sum(axis=0)[:-1], confusion.sum(axis=1)[:-1]])


def _overlap(areas: Array) -> Array:
    """IoU (..., C) of areas (..., 3, C); nan where a class is in neither."""
    both, predicted, true = (areas[..., index, :].astype(np.float64) for index in range(3))
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Array = both / (predicted + true - both)
    return found


def _image(name: str, confusion: Array, near: Array) -> ImageScore:
    pixels = int(confusion.sum())
    right = np.trace(confusion[:-1, :-1]) / pixels if pixels else math.nan
    return ImageScore(name, float(right), _mean(_overlap(_areas(confusion))), _mean(_overlap(near)))


def _table(
    confusion: Array, near: Array, classes: tuple[str, ...], beta: float
) -> tuple[list[dict[str, str | float]], dict[str, float]]:
    """Rows by class, and the numbers of all classes."""
    import torch

    metric = IoUMetric(iou_metrics=("mIoU", "mDice", "mFscore"), beta=beta)
    metric.set_dataset({"classes": classes})
    metric.load({"areas": torch.from_numpy(_areas(confusion))})
    rows = metric.table()
    borders = _overlap(near)
    for row, value in zip(rows, borders.tolist(), strict=True):
        row["Boundary IoU"] = _percent(value)
    summary = {key: value for key, value in metric.compute().items() if "/" not in key}
    pixels = int(confusion.sum())
    summary["aAcc"] = _percent(np.trace(confusion[:-1, :-1]) / pixels if pixels else math.nan)
    summary["boundary mIoU"] = _percent(_mean(borders))
    return rows, summary


def _intervals(bootstrap: Bootstrap, classes: Sequence[str]) -> dict[str, tuple[float, float]]:
    def every(sums: Array) -> Array:
        """(resamples, 3 + C)."""
        areas = sums[:, :-2].reshape(len(sums), 6, -1)
        overlap, borders = _overlap(areas[:, :3]), _overlap(areas[:, 3:])
        with np.errstate(divide="ignore", invalid="ignore"):
            right = sums[:, -2] / sums[:, -1]
        return np.column_stack([right, _means(overlap), _means(borders), overlap])

    low, high = bootstrap.interval(every)
    names = ["aAcc", "mIoU", "boundary mIoU", *(f"IoU/{name}" for name in classes)]
    return {name: (_percent(a), _percent(b)) for name, a, b in zip(names, low.tolist(), high.tolist(), strict=True)}


def _means(values: Array) -> Array:
    """Over the last axis, without nan; nan of nothing."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        found: Array = np.where(known, values, 0).sum(axis=-1) / known.sum(axis=-1)
    return found


def _mean(values: Iterable[float] | Array) -> float:
    found = np.array([value for value in values if not math.isnan(value)])
    return float(found.mean()) if found.size else math.nan


def _percent(share: float) -> float:
    return round(float(share) * 100, 2)


def _size(labels: Array) -> str:
    return f"{labels.shape[1]} x {labels.shape[0]}"


def _failed(errors: Sequence[SegueError], count: int) -> DataError:
    if len(errors) == 1:
        return DataError(str(errors[0]))
    more = f"\n  and {len(errors) - _MOST_SHOWN} more" if len(errors) > _MOST_SHOWN else ""
    lines = "\n".join(f"  {error}" for error in errors[:_MOST_SHOWN])
    return DataError(f"{len(errors)} of {count} cannot be measured, so nothing is:\n{lines}{more}")
