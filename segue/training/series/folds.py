"""A fold: its grammar, and the file that says which images are in it."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from segue.datasets.scan import some_of
from segue.errors import DataError, InputError
from segue.system.locks import locked
from segue.system.replaced import replaced
from segue.training.series import divide as division
from segue.training.series.divide import divide
from segue.training.series.samples import Samples

FORMAT = 1
MOST = 10_000  # folds


@dataclass(frozen=True)
class Fold:
    """The ``index``-th of ``count`` folds, from 1: validated on, while the others are trained on."""

    index: int
    count: int

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"fold_{self.index}_of_{self.count}"


def fold_of(text: str) -> Fold:
    """``2/5`` as a fold.

    Raises:
        InputError: there is no such fold.
    """
    match = re.fullmatch(r"\s*(\d{1,9})\s*/\s*(\d{1,9})\s*", str(text))
    if match is None:
        raise InputError(f"fold={text}: I/K is expected, the I-th of K folds, as in 1/5; --folds 5 trains all of them")
    index, count = int(match[1]), count_of(match[2])
    if not 1 <= index <= count:
        raise InputError(f"fold={text}: folds are counted from 1 to {count}")
    return Fold(index, count)


def count_of(given: int | str) -> int:
    """A number of folds.

    Raises:
        InputError: it is none.
    """
    try:
        count = int(str(given))
    except ValueError:
        raise InputError(f"folds={given}: a number of folds is expected, as in --folds 5") from None
    if not 2 <= count <= MOST:
        raise InputError(
            f"folds={count}: of one fold nothing would be left to train on; from 2 to {MOST:,} are possible"
        )
    return count


@dataclass(frozen=True)
class Folds:
    """Which images are in which fold.

    Attributes:
        path: the file.
        names: of each fold.
        digest: of names and labels when the file was written.
        said: lines for people.
    """

    path: Path
    names: tuple[tuple[str, ...], ...]
    digest: str
    said: tuple[str, ...] = ()


def file_of(folder: Path, count: int) -> Path:
    """Where the folds of a work folder are written."""
    return folder / f"folds_of_{count}.json"


def refuse_folder(folder: Path) -> None:
    """Refuse a training that is no fold in the folder of one: it would see what the fold is validated on.

    Raises:
        InputError: it is such a folder.
    """
    match = re.fullmatch(r"fold_(\d+)_of_(\d+)", folder.name)
    if match is not None and file_of(folder.parent, int(match[2])).exists():
        raise InputError(
            f"{folder}: is the folder of a fold, on whose validation images a plain run would be trained; that fold is "
            f"--work-dir {folder.parent} --fold {match[1]}/{match[2]}"
        )


def folds_of(samples: Samples, count: int, folder: Path) -> Folds:
    """The folds of a work folder: as its file says, or divided now and written there.

    Raises:
        InputError: there are fewer images, or groups of them, than folds; other images than the file has.
        DataError: the file cannot be read or written.
    """
    path = file_of(folder, count)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(path.with_name(f".{path.name}.lock")):  # folds may be started at the same time
            if path.exists():
                return _compared(_read(path), samples)
            facts = _divided(samples, count)
            with replaced(path, durable=True) as part:
                part.write_text(json.dumps(facts, indent=1, ensure_ascii=True) + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror or error}") from error
    names = tuple(tuple(row) for row in facts["names"])
    return Folds(path, names, samples.digest(), (*_rare(samples, names), f"Divided by class content: {path}"))


def _divided(samples: Samples, count: int) -> dict[str, Any]:
    groups: dict[str, list[str]] = defaultdict(list)
    for name in samples.names:
        group = samples.groups.get(name)
        groups[f"image {name}" if group is None else f"group {group}"].append(name)
    units = sorted(groups)
    if len(units) < count:
        what = "images" if len(units) == len(samples.names) else f"groups of {len(samples.names)} images"
        raise InputError(f"{len(units)} {what} make {len(units)} folds at most, not {count}")
    pixels = {unit: np.sum([samples.pixels[name] for name in groups[unit]], axis=0) for unit in units}
    place = divide(units, [len(groups[unit]) for unit in units], pixels, count)
    names = [
        sorted(name for unit, own in zip(units, place, strict=True) if own == fold for name in groups[unit])
        for fold in range(count)
    ]
    found: dict[str, Any] = {"format": FORMAT, "rule": (division.__doc__ or "").split("\n"), "folds": count}
    found |= {"images": len(samples.names), "classes": list(samples.classes), "digest": samples.digest()}
    found["shares"] = [{"fold": "all", **_shares(samples, samples.names)}]
    found["shares"] += [{"fold": i, **_shares(samples, row)} for i, row in enumerate(names, 1)]
    return {**found, "names": names}


def _shares(samples: Samples, names: Sequence[str]) -> dict[str, Any]:
    """How many images, and the percentage of their labeled pixels that each class has."""
    counts = np.sum([samples.pixels[name] for name in names], axis=0)
    total = max(1, int(counts.sum()))
    shares = {name: round(100 * int(n) / total, 4) for name, n in zip(samples.classes, counts, strict=True)}
    return {"images": len(names), "percent": shares}


def _rare(samples: Samples, names: Sequence[Sequence[str]]) -> list[str]:
    """Lines about classes that some fold has nothing of."""
    lines = []
    for at, title in enumerate(samples.classes):
        there = [i for i, row in enumerate(names, 1) if any(samples.pixels[name][at] for name in row)]
        if 0 < len(there) < len(names):
            only = (
                "the run that validates it has never seen the class"
                if len(there) == 1
                else "the others have no IoU of it"
            )
            where = f"fold {there[0]}" if len(there) == 1 else f"folds {some_of([str(i) for i in there], 6)}"
            lines.append(f"Class {title} is in {where} only: {only}")
    return lines


def _read(path: Path) -> Folds:
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(held, Mapping) or held.get("format") != FORMAT:
            raise ValueError(f"no folds of format {FORMAT}")
        names = tuple(tuple(str(name) for name in row) for row in held["names"])
        if len(names) != held["folds"] or len({name for row in names for name in row}) != sum(map(len, names)):
            raise ValueError("a fold is missing, or an image is in two")
        return Folds(path, names, str(held["digest"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: is damaged ({error}); without the file the images are divided anew") from error


def _compared(folds: Folds, samples: Samples) -> Folds:
    """The folds of a file, once the images are those that it names."""
    there, own = {name for row in folds.names for name in row}, set(samples.pixels)
    new, gone = sorted(own - there), sorted(there - own)
    if new or gone:
        words = [f"{len(new)} images are in no fold ({some_of(new)})"] if new else []
        words += [f"{len(gone)} of its images are not there any more ({some_of(gone)})"] if gone else []
        raise InputError(
            f"{folds.path}: the data has changed since the folds were made: {' and '.join(words)}. Runs on other "
            "images cannot be compared: bring the data back, choose another --work-dir, or remove the file and train "
            "all folds anew"
        )
    said = [f"The folds are those of {folds.path}"]
    if samples.digest() != folds.digest:
        said.append(
            "Labels have changed since: the images stay in their folds, but the shares in the file are the old ones"
        )
    return Folds(folds.path, folds.names, folds.digest, tuple(said))
