"""What several runs of one config measure: mean and deviation of every metric, as a table and as files."""

from __future__ import annotations

import csv
import io
import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table as Shown

from segue.errors import DataError
from segue.report.card.results import FILES
from segue.report.logs.show import write_text
from segue.system.shown import escape

FORMAT = 1
ENDING = "_table.json"
#: runs that have a column of their own on a terminal
COLUMNS = 5


@dataclass(frozen=True)
class Row:
    """A metric: its value in each run, None where there is none; their mean and sample deviation (n - 1)."""

    name: str
    values: tuple[float | None, ...]
    mean: float | None
    deviation: float | None

    @property
    def known(self) -> int:
        """In how many runs it has a value."""
        return sum(value is not None for value in self.values)


@dataclass(frozen=True)
class Table:
    """Several runs.

    Attributes:
        title: ``seeds`` or ``folds_of_5``.
        runs: the names of their folders, below that of the table.
        rows: one per metric: those of all classes, then those of each.
    """

    title: str
    runs: tuple[str, ...]
    rows: tuple[Row, ...]

    @classmethod
    def of(cls, title: str, runs: Mapping[str, Mapping[str, float | None]]) -> Table:
        """The table of the metrics of runs, by their names."""
        names = list(dict.fromkeys(name for metrics in runs.values() for name in metrics))
        names = [name for name in names if "/" not in name] + [name for name in names if "/" in name]
        return cls(title, tuple(runs), tuple(_row(name, [one.get(name) for one in runs.values()]) for name in names))

    @property
    def sentence(self) -> str:
        """The first metric that is a mean, in a line."""
        chosen = next((row for row in self.rows if row.name.endswith("mIoU")), self.rows[0] if self.rows else None)
        if chosen is None or chosen.mean is None:
            return f"{len(self.runs)} runs ({self.title}), which have no metric"
        spread = "" if chosen.deviation is None else f" ± {chosen.deviation:.2f}"
        return f"{chosen.name} {chosen.mean:.2f}{spread} over {len(self.runs)} runs ({', '.join(self.runs)})"

    def shown(self) -> Shown:
        """For a terminal: what is of all classes, and the IoU of each."""
        each = self.runs if len(self.runs) <= COLUMNS else ()
        table = Shown("", *map(escape, each), "mean", "deviation", box=None, pad_edge=False)
        for column in table.columns[1:]:
            column.justify = "right"
        columns = {row.name.rpartition("/")[0] for row in self.rows}
        wanted = "IoU" if "IoU" in columns else next((name for name in sorted(columns) if name), "")
        for row in self.rows:
            if "/" in row.name and row.name.rpartition("/")[0] != wanted:
                continue
            some = "" if row.known == len(self.runs) else f" of {row.known}"
            values = [_text(value) for value in row.values] if each else []
            table.add_row(escape(row.name), *values, _text(row.mean) + some, _text(row.deviation))
        return table

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write ``TITLE_table.json`` and ``TITLE_table.csv``; returns both.

        Raises:
            DataError: they cannot be written.
        """
        rows = [
            {"metric": r.name, "mean": r.mean, "deviation": r.deviation, "values": list(r.values)} for r in self.rows
        ]
        whole = {"format": FORMAT, "title": self.title, "runs": list(self.runs), "rows": rows}
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["metric", *self.runs, "mean", "deviation"])
        for row in self.rows:
            values = [*row.values, row.mean, row.deviation]
            writer.writerow([row.name, *("" if value is None else round(value, 4) for value in values)])
        return (
            write_text(folder / f"{self.title}{ENDING}", json.dumps(whole, indent=1) + "\n"),
            write_text(folder / f"{self.title}_table.csv", text.getvalue()),
        )


def _row(name: str, values: Sequence[float | None]) -> Row:
    given = tuple(None if value is None or not math.isfinite(value) else float(value) for value in values)
    known = [value for value in given if value is not None]
    mean = statistics.fmean(known) if known else None
    return Row(name, given, mean, statistics.stdev(known) if len(known) > 1 else None)


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def read_tables(folder: str | Path) -> list[Table]:
    """The tables of a work folder; none where it holds no series.

    Raises:
        DataError: one is damaged.
    """
    found = []
    for path in sorted(Path(folder).glob(f"*{ENDING}")):
        try:
            held: Any = json.loads(path.read_text(encoding="utf-8"))
            if held["format"] != FORMAT:
                raise ValueError(f"format {held['format']}")
            runs = tuple(str(name) for name in held["runs"])
            rows = tuple(
                Row(str(row["metric"]), tuple(row["values"]), row["mean"], row["deviation"]) for row in held["rows"]
            )
            if any(len(row.values) != len(runs) for row in rows):
                raise ValueError("a value is missing")
            found.append(Table(str(held["title"]), runs, rows))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path}: is damaged ({error}); segue train with --resume writes it again") from error
    return found


def compared_runs(path: str | Path) -> list[Path]:
    """What a folder stands for where runs are compared: its seeds; of folds, whose images differ, none; else itself.

    Raises:
        DataError: see `read_tables`.
    """
    folder = Path(path)
    tables = [] if any((folder / name).is_file() for name in FILES) else read_tables(folder)
    if not tables:
        return [folder]
    runs = [folder / name for table in tables if table.title == "seeds" for name in table.runs]
    return [run for run in runs if any((run / name).is_file() for name in FILES)]
