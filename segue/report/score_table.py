"""What `segue.report.score` measured: on a terminal, and as JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from segue.datasets.scan import some_of
from segue.errors import DataError, InputError
from segue.masks.labels import share_text
from segue.report.score import Scores
from segue.report.scored_files import NO_COLOR
from segue.system.shown import escape

_COLUMNS = ("IoU", "Acc", "Dice", "Fscore", "Precision", "Recall", "Boundary IoU")
_MIXED = 8  # mistakes that are listed
NO_CLASS = "no class"


def show(scores: Scores, console: Console) -> None:
    """The table by class, the means, the most frequent mistakes, and what counted as wrong."""
    table = Table("class", box=None, pad_edge=False)
    for title in _columns(scores):
        table.add_column(title, justify="right", no_wrap=True)
    for row in scores.rows:
        name = str(row["class"])
        values = [_number(row[column]) for column in _COLUMNS]
        table.add_row(escape(name), *_with_interval(scores, f"IoU/{name}", values))
    console.print(table)
    for key, value in scores.summary.items():
        low_high = f"  (95 %: {_range(scores, key)})" if key in scores.intervals else ""
        console.print(f"{key:24} {_number(value)}{low_high}", highlight=False)
    for line in (*mistakes(scores), *remarks(scores)):
        console.print(escape(line), highlight=False, soft_wrap=True)


def mistakes(scores: Scores) -> list[str]:
    """Which class is taken for which, the largest shares of a class first."""
    names = [*scores.classes, NO_CLASS]
    wrong = scores.confusion.astype(np.float64)
    np.fill_diagonal(wrong, 0)
    sums = np.maximum(scores.confusion.sum(axis=1), 1)
    shares = wrong / sums[:, None]
    order = np.argsort(-shares, axis=None, kind="stable")[:_MIXED]
    places = [(int(i) // len(names), int(i) % len(names)) for i in order]
    lines = [f"  {names[t]} as {names[p]}: {shares[t, p]:.1%} of it" for t, p in places if shares[t, p] >= 0.001]
    return ["most often taken for another:", *lines] if lines else []


def remarks(scores: Scores) -> list[str]:
    """What counted as wrong although it is no mistake of a class, and what did not count."""
    pixels, lines = int(scores.confusion.sum()), []
    if scores.missing:
        share = f"{len(scores.missing)} of {len(scores.images)} truths have no prediction"
        lines.append(f"{share}; all their pixels count as wrong: {some_of(scores.missing)}")
    for side, counts in scores.outside.items():
        if not counts:
            continue
        values = sorted(counts, key=lambda value: -counts[value])
        listed = some_of([f"{_value(value)} ({counts[value]} pixels)" for value in values], 6)
        why = "counts as wrong" if side == "predictions" else "makes whatever is predicted there wrong"
        share_of = share_text(sum(counts.values()), max(pixels, 1))
        lines.append(f"{side}: {share_of} are no class, which {why}: {listed}")
        if side == "truth":
            lines.append("  if they are unlabeled: --ignore-index, or --ignore-color of files in colors")
    if scores.extra:
        extra = some_of([str(path) for path in scores.extra])
        lines.append(f"{len(scores.extra)} predictions have no truth and are not measured: {extra}")
    return lines


def write(scores: Scores, file: str | Path) -> None:
    """Everything as ``.json``, or the table by class as ``.csv``."""
    path = Path(file)
    kind = path.suffix.lower()
    if kind == ".json":
        _write(path, json.dumps(as_data(scores), indent=1) + "\n")
    elif kind == ".csv":
        titles = ["class", *_COLUMNS]
        _write(path, _csv([titles, *([row[title] for title in titles] for row in scores.rows)]))
    else:
        raise InputError(f"{path}: results are written as .json or .csv")


def write_confusion(scores: Scores, file: str | Path) -> None:
    """Pixels as CSV: a row per true class, a column per predicted one, ``no class`` last."""
    names = [*scores.classes, NO_CLASS]
    rows = [[name, *row] for name, row in zip(names, scores.confusion.tolist(), strict=True)]
    _write(Path(file), _csv([["truth \\ prediction", *names], *rows]))


def write_images(scores: Scores, file: str | Path) -> None:
    """One row per image as CSV: shares of 0 to 1."""
    rows = [[image.name, image.accuracy, image.mean_iou, image.mean_boundary_iou] for image in scores.images]
    _write(Path(file), _csv([["image", "aAcc", "mIoU", "boundary mIoU"], *rows]))


def as_data(scores: Scores) -> dict[str, Any]:
    """Everything as JSON data; None for nan."""
    data: dict[str, Any] = _plain(
        {
            "summary": scores.summary,
            "intervals": scores.intervals,
            "classes": scores.rows,
            "confusion": {"labels": [*scores.classes, NO_CLASS], "pixels": scores.confusion.tolist()},
            "images": [vars(image) for image in scores.images],
            "missing": scores.missing,
            "extra": [str(path) for path in scores.extra],
            "outside": {
                side: {_value(value): count for value, count in counts.items()}
                for side, counts in scores.outside.items()
            },
        }
    )
    return data


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _columns(scores: Scores) -> list[str]:
    return ["IoU", "95 %", *_COLUMNS[1:]] if scores.intervals else list(_COLUMNS)


def _with_interval(scores: Scores, key: str, values: list[str]) -> list[str]:
    return [values[0], _range(scores, key), *values[1:]] if scores.intervals else values


def _range(scores: Scores, key: str) -> str:
    low, high = scores.intervals[key]
    return "-" if math.isnan(low) else f"{low:.2f} .. {high:.2f}"


def _number(value: str | float) -> str:
    return "-" if isinstance(value, float) and math.isnan(value) else f"{value:.2f}"


def _value(value: int) -> str:
    return "colors of no class" if value == NO_COLOR else str(value)


def _csv(rows: list[list[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(
        ["" if isinstance(cell, float) and math.isnan(cell) else cell for cell in row] for row in rows
    )
    return text.getvalue()


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror or error}") from error
