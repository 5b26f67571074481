"""Logs as a table, and as pictures of their curves."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from segue.errors import DataError, InputError, nearest
from segue.report import chart
from segue.report.chart import Panel, Series
from segue.report.draw import save_picture
from segue.report.logs.compare import Difference
from segue.report.logs.read import Curve, Log
from segue.system.replaced import replaced
from segue.system.shown import escape, visible

PICTURES = (".svg", ".png")
#: metrics of which less is better
_LESS = ("loss", "rmse", "rel", "log10", "silog", "mae", "error")


def means(log: Log) -> list[str]:
    """The metrics of validations that are of no single class."""
    return [name for name in log.val if "/" not in name and name not in ("time", "data_time", "lr", "memory")]


def less_is_better(name: str) -> bool:
    """Whether a metric is an error."""
    return any(part in name.lower() for part in _LESS)


def best(name: str, curve: Curve) -> tuple[int, float] | None:
    """Step and value of a curve's best; None without a finite value."""
    finite = [(step, value) for step, value in curve.items() if math.isfinite(value)]
    if not finite:
        return None
    return (min if less_is_better(name) else max)(finite, key=lambda pair: pair[1])


def rows(logs: Sequence[Log]) -> list[dict[str, Any]]:
    """A line per run: iterations, the last and the smallest loss, seconds per iteration, and every metric's best."""
    found = []
    for log in logs:
        loss = {step: value for step, value in log.train.get("loss", {}).items() if math.isfinite(value)}
        times = [value for value in log.train.get("time", {}).values() if math.isfinite(value)]
        steps = [step for curve in (*log.train.values(), *log.val.values()) for step in curve]
        row: dict[str, Any] = {"run": log.name, "log": log.kind, "iterations": max(steps, default=0)}
        row |= {"loss": list(loss.values())[-1] if loss else None, "smallest loss": min(loss.values(), default=None)}
        row["s/iteration"] = sum(times) / len(times) if times else None
        for name in means(log):
            top = best(name, log.val[name])
            row |= {f"best {name}": None if top is None else top[1], f"at ({name})": None if top is None else top[0]}
        found.append(row)
    return found


def show_table(logs: Sequence[Log], console: Console) -> None:
    """Print `rows`, a run per column where there are few."""
    found = rows(logs)
    columns = list(dict.fromkeys(key for row in found for key in row if not key.startswith("at (")))
    table = Table("", box=None, pad_edge=False)
    for row in found:
        table.add_column(escape(row["run"]), justify="right", overflow="fold")
    for key in columns[1:]:
        cells = []
        for row in found:
            at = row.get(f"at ({key.removeprefix('best ')})")
            cells.append(escape(_cell(row.get(key))) + (f" at {at}" if at is not None else ""))
        table.add_row(escape(key), *cells)
    console.print(table)


def _cell(value: Any) -> str:
    return "-" if value is None else f"{value:.5g}" if isinstance(value, float) else str(value)


def write_table(logs: Sequence[Log], path: str | Path) -> None:
    """As ``.csv`` or ``.json``.

    Raises:
        InputError: another ending.
    """
    found = rows(logs)
    columns = list(dict.fromkeys(key for row in found for key in row))
    ending = Path(path).suffix.lower()
    if ending == ".json":
        text = json.dumps(found, indent=2) + "\n"
    elif ending == ".csv":
        stream = io.StringIO()
        writer = csv.DictWriter(stream, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)
        text = stream.getvalue()
    else:
        raise InputError(f"{path}: a table is written as .csv or .json")
    write_text(path, text)


def panels(logs: Sequence[Log], keys: Sequence[str] = (), *, log_scale: bool = False) -> list[Panel]:
    """A panel per curve, all runs in it: those of ``keys``, by default the loss, the rate and the metrics' means.

    Raises:
        InputError: no run has a curve of that name.
    """
    every = list(dict.fromkeys(name for log in logs for name in (*log.train, *log.val)))
    for key in keys:
        if key not in every:
            raise InputError(f"no run has a curve {key!r}{nearest(key, every)}")
    if not keys:
        wanted = ["loss", *dict.fromkeys(name for log in logs for name in means(log)), "lr"]
        keys = [name for name in wanted if name in every]
    found = []
    for key in keys:
        series = []
        for index, log in enumerate(logs):
            trained, measured = log.train.get(key, {}), log.val.get(key, {})
            line = chart.smooth(trained)
            if key == "lr" or line == trained:
                series.append(Series(log.name, trained, index))
            else:
                series += [Series(log.name, trained, index, faint=True), Series(log.name, line, index)]
            if measured and key != "lr":
                series.append(Series(f"{log.name}, validation", measured, index))
        values = [v for log in logs for v in log.val.get(key, {}).values() if math.isfinite(v)]
        percent = key not in ("lr", "loss") and not less_is_better(key) and any(key in log.val for log in logs)
        percent = percent and all(0 <= v <= 100 for v in values) and max(values, default=0) > 1
        found.append(Panel(key, [one for one in series if one.points], percent, log_scale and not percent))
    return found


def difference_panels(names: Sequence[str], key: str, found: Difference) -> list[Panel]:
    """The two curves, and how far the second is from the first."""
    both = [dict(zip(found.steps, values, strict=True)) for values in (found.reference, found.other)]
    shares = {s: 100 * (b - a) / a for s, a, b in zip(found.steps, found.reference, found.other, strict=True) if a}
    title = f"({names[1]} - {names[0]}) / {names[0]}, %"
    return [
        Panel(key, [Series(name, curve, index) for index, (name, curve) in enumerate(zip(names, both, strict=True))]),
        Panel(title, [Series("difference", shares, 2)]),
    ]


def write_picture(path: str | Path, drawn: Sequence[Panel], names: Sequence[str]) -> Path:
    """Write panels as ``.svg`` or ``.png``.

    Raises:
        InputError: another ending.
        DataError: the file cannot be written.
    """
    path, names = Path(path), [visible(name) for name in names]
    ending = path.suffix.lower()
    if ending not in PICTURES:
        raise InputError(f"{path}: curves are drawn as {' or '.join(PICTURES)}")
    if ending == ".svg":
        return write_text(path, chart.figure(drawn, names))
    try:
        save_picture(path, chart.picture(drawn, names))
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror or error})") from error
    return path


def write_text(path: str | Path, text: str) -> Path:
    """A whole file or none.

    Raises:
        DataError: it cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replaced(path) as part:
            part.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror or error})") from error
    return path


def say_difference(names: Sequence[str], key: str, found: Difference, limits: tuple[float, float, bool]) -> list[str]:
    """What was found, in lines."""
    relative, absolute, sizes = limits
    judged = (found.relative_size, found.absolute_size) if sizes else (found.relative, found.absolute)
    kind = "size" if sizes else "error"
    lines = [
        f"{key} of {names[1]} against {names[0]}, {len(found.steps)} steps",
        f"mean relative error {found.relative:+.6f}   mean absolute error {found.absolute:+.6f}",
        f"mean relative size  {found.relative_size: .6f}   mean absolute size  {found.absolute_size: .6f}"
        f"   farthest apart at step {found.worst}",
        *found.said,
        f"{'pass' if found.passed else 'fail'}: relative {kind} {judged[0]:.6f} <= {relative:g} or absolute {kind} "
        f"{judged[1]:.6f} <= {absolute:g}",
    ]
    return [visible(line) for line in lines]
