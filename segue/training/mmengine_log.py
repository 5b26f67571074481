"""The folder ``TIMESTAMP`` of a run as mmengine lays it out, for what reads mmengine's logs.

    TIMESTAMP/TIMESTAMP.log           what is said, ``loss: 3.5388`` and so on, a time before each line
    TIMESTAMP/vis_data/scalars.json   a JSON object per line of the record, with ``iter`` and ``step``
    TIMESTAMP/vis_data/config.py      the config

A resumed run has a folder of its own, which begins where it continues; ``scalars.jsonl`` of the work folder has all.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from segue.system.shown import visible
from segue.training.chores.validation_loss import told_apart
from segue.training.loops import Loop

Line = Mapping[str, Any]
#: Facts of a line that have places of their own in the text.
_PLACED = ("mode", "step", "epoch", "lr", "lr_max", "time", "data_time", "memory")


def stamp() -> str:
    """The name of a run that begins now."""
    return time.strftime("%Y%m%d_%H%M%S")


class RunLog:
    """Writes the folder's files; nothing is there before the first line.

    Args:
        folder: the work folder.
        loop: how training is counted; None for an evaluation.
        batches: how many batches a validation has.
        config: the config's text.
    """

    def __init__(self, folder: Path, loop: Loop | None, batches: Callable[[], int], config: str = "") -> None:
        self.name = stamp()
        self.folder = folder / self.name
        self.loop, self.batches, self.config = loop, batches, config

    def say(self, text: str) -> None:
        """Lines for people."""
        self._append(self.folder / f"{self.name}.log", f"{_now()} - mmengine - INFO - {visible(text)}\n")

    def line(self, line: Line) -> None:
        """A line of the record."""
        if line["mode"] == "train":
            if self.loop is not None:
                self.say(train_text(line, self.loop))
        else:
            line = told_apart(line)
            # the text is without it: scripts take every ``loss: `` there for one of training
            text = {key: value for key, value in line.items() if key != "val_loss"}
            self.say(measured_text(text, self.loop, self.batches(), "val"))
        values = {key: value for key, value in line.items() if not (line["mode"] == "val" and "/" in key)}
        self._append(self.folder / "vis_data" / "scalars.json", json.dumps({**values, "iter": line["step"]}) + "\n")

    def _append(self, path: Path, text: str) -> None:
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True)
            if path.parent.name == "vis_data":
                (path.parent / "config.py").write_text(self.config, encoding="utf-8")
        with path.open("a", encoding="utf-8") as file:
            file.write(text)


def train_text(line: Line, loop: Loop) -> str:
    """A line of training: ``Iter(train) [  50/40000]  base_lr: 1.0e-02 lr: ...  eta: ...  loss: 3.5388  ...``."""
    step, length = line["step"], loop.max_iters
    if loop.by_epoch:
        inner, width = (step - 1) % loop.epoch_length + 1, len(str(loop.epoch_length))
        where = f"Epoch(train) [{line['epoch']}][{inner:>{width}}/{loop.epoch_length}]"
    else:
        where = f"Iter(train) [{step:>{len(str(length))}}/{length}]"
    rates = f"base_lr: {line.get('lr_max', line['lr']):.4e} lr: {line['lr']:.4e}"
    left = timedelta(seconds=max(0, round((length - step) * line["time"])))
    times = f"eta: {left}  time: {line['time']:.4f}  data_time: {line['data_time']:.4f}"
    memory = [f"memory: {line['memory']}"] if "memory" in line else []
    values = [f"{key}: {_number(value)}" for key, value in line.items() if key not in _PLACED]
    return "  ".join([where, rates, times, *memory, *values])


def measured_text(line: Line, loop: Loop | None, batches: int, mode: str) -> str:
    """What a validation or test found: a table of the classes, and ``Iter(val) [4/4]    aAcc: ...  mIoU: ...``."""
    where = f"Epoch({mode}) [{line['epoch']}]" if loop is not None and loop.by_epoch else f"Iter({mode}) "
    means = [f"{key}: {_number(value)}" for key, value in line.items() if "/" not in key and key not in _PLACED]
    means += [f"time: {line['time']:.4f}"] if "time" in line else []
    rows = _classes(line)
    table = f"per class results:\n{_table(rows)}\n{_now()} - mmengine - INFO - " if len(rows) > 1 else ""
    return f"{table}{where}[{batches}/{batches}]    {'  '.join(means)}"


def _classes(line: Line) -> list[list[str]]:
    """``IoU/road`` and its like as rows: the head, then a class each."""
    found: dict[str, dict[str, Any]] = {}
    for key, value in line.items():
        column, slash, name = key.partition("/")
        if slash and key not in _PLACED:
            found.setdefault(name, {})[column] = value
    columns = list(dict.fromkeys(column for values in found.values() for column in values))
    return [["Class", *columns], *([name, *(_short(v.get(c)) for c in columns)] for name, v in found.items())]


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = "+".join(["", *("-" * (width + 2) for width in widths), ""])
    lines = ["|".join(["", *(f" {cell:^{w}} " for cell, w in zip(row, widths, strict=True)), ""]) for row in rows]
    return "\n".join([rule, lines[0], rule, *lines[1:], rule])


def _number(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, (int, float)) else "nan" if value is None else str(value)


def _short(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, (int, float)) and math.isfinite(value) else "nan"


def _now() -> str:
    return time.strftime("%Y/%m/%d %H:%M:%S")
