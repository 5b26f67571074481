"""The report on the terminal, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from segue.datasets.scan import some_of
from segue.doctor.apply import lines_of
from segue.doctor.doctor import Report
from segue.doctor.findings import several
from segue.errors import InputError
from segue.masks.labels import share_text
from segue.system.shown import escape

_STYLE = {"error": "bold red", "warning": "yellow", "note": "cyan"}
_MOST_ROWS = 40


def show(report: Report, console: Console) -> None:
    """Print the classes of each split, the findings, and the settings to paste."""
    for index, source in enumerate(report.sources):
        tally = report.tallies[index]
        if tally.pixels:
            title = f"{escape(source.split)}: {several(tally.masks, 'mask')}"
            console.print(_table(title, report.classes(index), report.ignored(index)))
        else:
            console.print(f"{escape(source.split)}: {len(source.pairs)} pairs, no mask could be read", highlight=False)
    for finding in report.findings:
        head = f"[{_STYLE[finding.severity]}]{finding.severity}[/] [dim]{finding.kind}[/] ({finding.split})"
        console.print(f"{head} {escape(finding.message)}", highlight=False, soft_wrap=True)
        for fix in finding.fixes:
            console.print(f"    [green]{escape(fix.line)}[/]", highlight=False, soft_wrap=True)
    warnings = sum(finding.severity == "warning" for finding in report.findings)
    pairs = sum(len(source.pairs) for source in report.sources)
    counts = f"{several(len(report.errors), 'error')}, {several(warnings, 'warning')}"
    console.print(f"\n{several(pairs, 'pair')} checked: {counts}", highlight=False)
    lines = lines_of(report)
    if lines and (report.fixes or report.cfg is None):
        inherits = "In a config that inherits from this one, which --apply writes:"
        title = inherits if report.cfg is not None else "As datasets of a config, which --apply writes:"
        console.print(title, highlight=False)
        for line in lines:
            console.print(f"  {escape(line)}", highlight=False, soft_wrap=True)


def _table(title: str, rows: list[Mapping[str, Any]], ignored: Mapping[str, Any] | None) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for name in ("id", "class", "pixels", "% of pixels", "masks", "% of masks"):
        table.add_column(name, justify="left" if name == "class" else "right")
    shown = rows if len(rows) <= _MOST_ROWS else sorted(rows, key=lambda row: -row["pixels"])[:_MOST_ROWS]
    for row in shown:
        style = "dim" if not row["pixels"] else ""
        cells = (
            f"{row['pixels']:,}",
            f"{100 * row['share']:.2f}",
            f"{row['images']:,}",
            f"{100 * row['image_share']:.1f}",
        )
        table.add_row(str(row["id"]), escape(str(row["name"])), *cells, style=style)
    if ignored is not None:  # its share is of all pixels, since it is none of the labeled ones
        values = some_of([str(value) for value in ignored["values"]])
        cells = (
            f"{ignored['pixels']:,}",
            share_text(ignored["pixels"], round(ignored["pixels"] / ignored["share"])).removesuffix(" %"),
            f"{ignored['images']:,}",
            f"{100 * ignored['image_share']:.1f}",
        )
        table.add_row("-", f"ignored (value {values})", *cells, style="yellow")
    if len(rows) > len(shown):
        table.caption = f"the {len(shown)} largest of {len(rows)}; --json has all"
    return table


def as_json(report: Report) -> dict[str, Any]:
    """The report as plain values."""
    return {
        "version": 1,
        "target": report.target,
        "errors": len(report.errors),
        "splits": [
            {
                "split": source.split,
                "keys": list(source.keys),
                "dataset": source.kind,
                "pairs": len(source.pairs),
                "masks": tally.masks,
                "values": {str(value): tally.pixels[value] for value in sorted(tally.pixels)},
                "classes": list(report.classes(index)),
                "ignored": report.ignored(index),
            }
            for index, (source, tally) in enumerate(zip(report.sources, report.tallies, strict=True))
        ],
        "findings": [
            {
                "kind": finding.kind,
                "severity": finding.severity,
                "split": finding.split,
                "message": finding.message,
                "count": finding.count,
                "files": list(finding.files),
                "lines": [fix.line for fix in finding.fixes],
            }
            for finding in report.findings
        ],
        "lines": lines_of(report),
    }


def write_json(path: str | Path, report: Report) -> None:
    """Write `as_json`."""
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(as_json(report), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
