"""A card as plain data, kept as JSON in the work folder: the page is made of it, and runs are compared by it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from segue.errors import DataError
from segue.report.card import overlap
from segue.report.card.calibration import Reliability
from segue.report.card.gather import Gathered
from segue.report.card.overlap import ImageAreas
from segue.report.logs.show import write_text

FORMAT = 1
#: in a work folder, of a training and of a test
FILES = ("report.json", "test_report.json")


def results(gathered: Gathered, resamples: int = 1000) -> dict[str, Any]:
    """The numbers of a pass; shares are percent, None where there is nothing to measure."""
    count, images = len(gathered.classes), sorted(gathered.images, key=lambda image: image.name)
    total = sum((image.dense(count) for image in images), np.zeros((6, count)))
    bounds = overlap.intervals(images, count, resamples)
    ious, borders = overlap.overlap(total[:3]), overlap.overlap(total[3:])
    with np.errstate(divide="ignore", invalid="ignore"):
        recalls, precisions = total[0] / total[2], total[0] / total[1]
    rows = [
        {
            "class": str(name),
            "color": [int(part) for part in color],
            "iou": _percent(ious[i]),
            "interval": [_percent(v) for v in bounds["IoU"][i]] if bounds else None,
            "boundary": _percent(borders[i]),
            "recall": _percent(recalls[i]),
            "precision": _percent(precisions[i]),
            "pixels": int(total[2, i]),
        }
        for i, (name, color) in enumerate(zip(gathered.classes, gathered.palette, strict=True))
    ]
    summary = {
        "mIoU": overlap.mean(ious),
        "mIoU per image": overlap.mean(np.array([image.miou for image in images])),
        "boundary mIoU": overlap.mean(borders),
    }
    calibration = gathered.pixels.calibration()
    return {
        "images": [[image.name, image.classes, image.areas] for image in images],
        "classes": rows,
        "summary": {name: _percent(value) for name, value in summary.items()},
        "intervals": {name: [_percent(v) for v in bounds[name]] for name in summary if name in bounds},
        "confusion": gathered.confusion.tolist() if gathered.exclusive and images else None,
        "calibration": None
        if calibration is None
        else {
            "temperature": round(calibration.temperature, 4),
            "fitted": calibration.fitted,
            "measured": calibration.measured,
            "before": _reliability(calibration.before),
            "after": _reliability(calibration.after),
        },
        "worst": [vars(shown) for shown in gathered.worst],
        "suspects": [one.row() for one in gathered.suspects.best()],
        "suspected": gathered.suspects.seen,
        "said": list(gathered.said),
    }


def _reliability(found: Reliability) -> dict[str, Any]:
    return {"ece": _percent(found.ece), "bins": [[round(v, 6) for v in row] for row in found.rows()]}


def _percent(share: float) -> float | None:
    return round(float(share) * 100, 2) if math.isfinite(share) else None


def write(path: Path, card: Mapping[str, Any]) -> None:
    """As JSON.

    Raises:
        DataError: the file cannot be written.
    """
    write_text(path, json.dumps({"format": FORMAT, **card}, default=str) + "\n")


def read(run: str | Path) -> tuple[Path, dict[str, Any]]:
    """The file and the card of a run: a ``report.json``, or the folder that has one; a test's where it is newer.

    Raises:
        DataError: there is none, or it is damaged or of another format.
    """
    run = Path(run)
    found = [run] if run.is_file() else [run / name for name in FILES if (run / name).is_file()]
    if not found:
        raise DataError(
            f"{run}: no {' or '.join(FILES)} there; segue train and segue test write them unless --no-report is given"
        )
    path = max(found, key=lambda file: file.stat().st_mtime)
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise DataError(f"{path}: is no report of format {FORMAT}; segue test writes a new one")
    return path, card


def areas(card: Mapping[str, Any]) -> list[ImageAreas]:
    """The images of a card.

    Raises:
        DataError: what is there are no images' areas.
    """
    count = len(card.get("classes") or ())
    found = []
    for entry in card.get("images") or ():
        try:
            name, classes, numbers = entry
            checked = np.array(numbers, float).reshape(6, len(classes)) if classes else np.zeros((6, 0))
            if any(not 0 <= int(index) < count for index in classes) or not np.isfinite(checked).all():
                raise ValueError("classes outside the list")
        except (TypeError, ValueError) as error:
            raise DataError(f"a report whose images are damaged ({error}); segue test writes a new one") from error
        found.append(ImageAreas(str(name), [int(i) for i in classes], checked.astype(np.int64).tolist()))
    return found


def names(card: Mapping[str, Any]) -> Sequence[str]:
    """Of its classes."""
    return [str(row["class"]) for row in card.get("classes") or ()]
