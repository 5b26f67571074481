"""The numbers of a run out of the log that it left, whoever wrote it.

    scalars.jsonl                          Segue's, in the work folder
    TIMESTAMP/vis_data/scalars.json        mmengine's (and Segue's, in mmengine's layout); also vis_data/TIMESTAMP.json
    TIMESTAMP.log.json                     mmcv's of 0.x

Steps are iterations counted from 1. mmengine gives validations of trainings by epochs the number of the epoch, and mmcv
0.x the number of validation batches: both get the last iteration that is logged before them. mmcv 0.x counts the
iterations of trainings by epochs within each epoch; they are put one after the other, an epoch having as many as the
largest number seen. Shares of mmcv 0.x (mIoU 0.75) become percent. What a resumed run repeats counts as last written.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from segue.errors import DataError

#: facts of a line that are no numbers of the training
_FACTS = ("mode", "step", "epoch", "iter", "seed")
_SHARES = ("aAcc", "mIoU", "mAcc", "mDice", "mFscore", "mPrecision", "mRecall")

Curve = dict[int, float]  # step -> value, in the order of steps; nan where it was no finite number


@dataclass(frozen=True)
class Log:
    """One run.

    Attributes:
        name: what to call it.
        files: what was read.
        kind: ``Segue``, ``mmengine`` or ``mmcv 0.x``.
        train, val: curves by name.
        said: what is odd about the files, a line each.
    """

    name: str
    files: tuple[Path, ...]
    kind: str
    train: dict[str, Curve]
    val: dict[str, Curve]
    said: tuple[str, ...] = ()

    def curve(self, key: str) -> Curve:
        """A curve of training or validation; empty where there is none."""
        return self.train.get(key) or self.val.get(key) or {}


@dataclass
class _Part:
    """One file: (mode, step, epoch, values) of each line that counts."""

    path: Path
    kind: str
    lines: list[tuple[str, int, int | None, dict[str, float]]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def steps(self) -> list[int]:
        return [step for mode, step, _, _ in self.lines if mode == "train"]


def read_log(run: str | Path) -> Log:
    """The numbers of a run.

    Args:
        run: the folder of a training, or a file of those above.

    Raises:
        DataError: there is no log, or nothing that could be read in it.
    """
    run = Path(run)
    said: list[str] = []
    parts = [part for part in (_read_part(path) for path in log_files(run)) if part.lines]
    if not parts:
        found = ", ".join(map(str, log_files(run)))
        raise DataError(f"{found}: no line with numbers of a training there")
    parts = _joined(parts, said)
    train: dict[str, Curve] = {}
    val: dict[str, Curve] = {}
    repeated, broken = set(), 0
    for part in parts:
        said += [f"{part.path.name}: {text}" for text in part.said]
        for mode, step, _, values in part.lines:
            curves = train if mode == "train" else val
            for name, value in values.items():
                curve = curves.setdefault(name, {})
                if step in curve:
                    repeated.add(step)
                curve[step] = value if math.isfinite(value) else math.nan
                broken += not math.isfinite(value)
    if repeated:
        said.append(f"{len(repeated)} steps are there more than once (a resumed run repeats some); the last counts")
    if broken:
        said.append(f"{broken} values are not finite")
    ordered = [{name: dict(sorted(curve.items())) for name, curve in side.items()} for side in (train, val)]
    return Log(_name(run), tuple(part.path for part in parts), parts[-1].kind, ordered[0], ordered[1], tuple(said))


def log_files(run: Path) -> list[Path]:
    """The files of a run, the oldest first.

    Raises:
        DataError: there are none.
    """
    if run.is_file():
        return [run]
    if not run.is_dir():
        raise DataError(f"{run}: there is no such file or folder")
    for patterns in (
        ("scalars.jsonl",),
        ("vis_data/scalars.json", "*/vis_data/scalars.json"),
        ("vis_data/*.json", "*/vis_data/*.json", "scalars.json"),
        ("*.log.json",),
    ):
        found = sorted({path for pattern in patterns for path in run.glob(pattern) if path.is_file()})
        if found:
            return found
    below = sorted(path.parent for path in run.glob("*/scalars.jsonl"))
    hint = f"; a run is in {', '.join(str(path) for path in below[:3])}" if below else ""
    wanted = "scalars.jsonl, vis_data/scalars.json or *.log.json"
    raise DataError(f"{run}: no log of a training there ({wanted}){hint}")


def _name(run: Path) -> str:
    """What tells a run apart: the last folder that is not the log's own."""
    parts = [p for p in run.resolve().parts if p not in ("vis_data", "scalars.json", "scalars.jsonl", "/")]
    return parts[-1].removesuffix(".log.json") if parts else str(run)


def _joined(parts: list[_Part], said: list[str]) -> list[_Part]:
    """Files of one folder: those that continue each other; a run that begins anew puts the earlier ones aside."""
    kept: list[_Part] = []
    for part in parts:
        if kept and not _continues(part):
            said.append(f"{kept[0].path.name}: an earlier run of this folder, left out")
            kept = []
        kept.append(part)
    return kept


def _continues(part: _Part) -> bool:
    steps = part.steps
    if not steps:
        return True  # of a resumed run that only validated
    gaps = [b - a for a, b in pairwise(steps) if b > a]
    return steps[0] > (min(gaps) if gaps else 1)


def _read_part(path: Path) -> _Part:
    records, said = _records(path)
    kind = _kind(path, records)
    part = _Part(path, kind, said=said)
    if kind == "mmcv 0.x":
        _old(records, part)
    else:
        _new(records, part)
    _newest(part)
    return part


def _newest(part: _Part) -> None:
    """Of runs that one file holds, each from its first iterations on, the last."""
    first, last = None, 0
    for index, (mode, step, _, _) in enumerate(part.lines):
        if mode == "train":
            if first is None:
                first = step
            elif step <= first and last > step:
                part.said = [*part.said, f"an earlier run, up to step {last}, is in the same file and left out"]
                part.lines = part.lines[index:]
                return _newest(part)
            last = step


def _records(path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """The objects of the file's lines, and what is wrong with it."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    said: list[str] = []
    wide = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = raw.decode("utf-16" if wide else "utf-8-sig", errors="replace")
    if "\ufffd" in text and not wide:
        said.append("some bytes are not UTF-8")
    lines = text.split("\n")
    records, bad = [], []
    for number, line in enumerate(lines, 1):
        if not line.strip("\x00 \t\r"):
            continue
        try:
            record = json.loads(line.strip("\x00 \t\r"))
        except (ValueError, RecursionError):
            bad.append(number)
            continue
        if isinstance(record, dict):
            records.append(record)
        else:
            bad.append(number)
    if bad == [len(lines)]:
        said.append(f"line {bad[0]}, the last, is cut off and left out")
    elif bad:
        some = ", ".join(map(str, bad[:5])) + (" ..." if len(bad) > 5 else "")
        said.append(f"{len(bad)} lines are no JSON objects and left out ({some})")
    return records, said


def _kind(path: Path, records: Sequence[dict[str, Any]]) -> str:
    moded = [record for record in records if "mode" in record]
    if path.name.endswith(".log.json") or any("step" not in record for record in moded):
        return "mmcv 0.x"
    return "Segue" if moded else "mmengine"


def _new(records: Sequence[dict[str, Any]], part: _Part) -> None:
    """Lines of Segue and mmengine."""
    last = 0
    for record in records:
        values = _numbers(record)
        mode = record.get("mode") or ("train" if "loss" in values or "lr" in values else "val")
        epoch = _whole(record.get("epoch"))
        step = _whole(record.get("step"))
        step = _whole(record.get("iter")) if step is None else step
        if step is None or not values:
            continue
        if mode == "train":
            last = step
        elif part.kind == "mmengine" and step < last:
            step = last
        part.lines.append(("train" if mode == "train" else "val", step, epoch, values))


def _old(records: Sequence[dict[str, Any]], part: _Part) -> None:
    """Lines of mmcv 0.x."""
    found = []
    for record in records:
        step, epoch = _whole(record.get("iter")), _whole(record.get("epoch"))
        if record.get("mode") in ("train", "val") and step is not None:
            found.append((str(record["mode"]), step, epoch or 1, _numbers(record)))
    trained = [(step, epoch) for mode, step, epoch, _ in found if mode == "train"]
    by_epoch = any(b[0] <= a[0] and b[1] > a[1] for a, b in pairwise(trained))
    length = max((step for step, _ in trained), default=0) if by_epoch else 0
    if by_epoch:
        part.said.append(f"trained by epochs; an epoch is taken to have {length} iterations, the most that are logged")
    last = 0
    for mode, step, epoch, values in found:
        if mode == "train":
            last = step + (epoch - 1) * length
        elif last == 0:
            last = step  # of a log that begins with a validation
        part.lines.append((mode, epoch * length if mode == "val" and by_epoch else last, epoch, _percents(values)))


def _percents(values: dict[str, float]) -> dict[str, float]:
    """Metrics as Segue names and measures them: ``IoU/road`` in percent."""
    found = {}
    for name, value in values.items():
        head, dot, tail = name.partition(".")
        share = name in _SHARES or (dot and head in ("IoU", "Acc", "Dice", "Fscore", "Precision", "Recall"))
        share = bool(share) and not abs(value) > 1
        found[f"{head}/{tail}" if share and dot else name] = value * 100 if share else value
    return found


def _numbers(record: dict[str, Any]) -> dict[str, float]:
    return dict(_named(record))


def _named(record: dict[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in record.items():
        if name in _FACTS or isinstance(value, (bool, str, list, dict)):
            continue
        try:
            yield name, math.nan if value is None else float(value)
        except OverflowError:
            yield name, math.nan


def _whole(value: Any) -> int | None:
    """A count; None of what is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    whole = math.isfinite(value) and value == int(value) and 0 <= value < 2**53
    return int(value) if whole else None
