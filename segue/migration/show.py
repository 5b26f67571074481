"""The report on the terminal, and as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from segue.errors import InputError
from segue.migration.verdict import MEANING, Fit, Report, Verdict, grouped
from segue.system.shown import escape

#: colors, in the order of the table
STYLE = {"no": "bold red", "edits": "yellow", "unproven": "cyan", "as is": "green", "part": "dim"}
SUMS = {
    "as is": "run as they are",
    "edits": "run with edits",
    "no": "do not run",
    "unproven": "were not run",
    "part": "are parts of others",
}
_MOST_ROWS = 60
_TITLES = {"config": "Configs", "module": "Custom modules", "script": "Scripts"}


def show(report: Report, console: Console) -> None:
    """Print a table of each kind of file, what to do, and the sum."""
    for kind, title in _TITLES.items():
        rows = [verdict for verdict in report.of(kind) if verdict.status != "part"]
        if not rows:
            continue
        table = Table(title=title, title_justify="left", title_style="bold", show_lines=True)
        for name in ("file", "verdict", "why, or how"):
            table.add_column(name, overflow="fold")
        alike = grouped(((verdict.status, said(verdict)), verdict.path) for verdict in rows)
        for (status, text), paths in sorted(alike, key=lambda item: list(STYLE).index(item[0][0]))[:_MOST_ROWS]:
            names = "\n".join(paths[:3]) + (f"\nand {len(paths) - 3} more" if len(paths) > 3 else "")
            table.add_row(escape(names), f"[{STYLE[status]}]{MEANING[status]}[/]", escape(text))
        if len(alike) > _MOST_ROWS:
            table.caption = f"the first {_MOST_ROWS} of {len(alike)}; the page has all"
        console.print(table)
    if report.fit is not None:
        console.print(f"[bold]{escape(report.fit.file)}[/] {escape(fit_said(report.fit))}", highlight=False)
    for file in report.engine:
        console.print(f"{escape(file)}: changed, and not used, since Segue's own is", highlight=False)
    for name, files in report.packages.items():
        console.print(f"pip install {escape(name)}   [dim]# for {escape(', '.join(files[:3]))}[/]", highlight=False)
    counts = report.counts()
    parts = [f"{counts[status]} {text}" for status, text in SUMS.items() if counts[status]]
    console.print(f"\n{len(report.verdicts)} files: {', '.join(parts)} ({report.seconds:.0f} s)", highlight=False)


def said(verdict: Verdict) -> str:
    """The reasons or the edits in a few lines; what ran, for the others."""
    if verdict.reasons:
        return "\n".join(verdict.reasons[:4])
    if verdict.edits:
        return "\n".join(edit.what for edit in verdict.edits[:4])
    parts = verdict.facts.get("parts")
    if parts:
        return f"{' + '.join(parts)}, {millions(verdict.facts['parameters'])} parameters"
    return ", ".join(name for name, _ in verdict.facts.get("registers", ()))


def millions(count: int) -> str:
    """``48.9 M``, ``58 k``."""
    return f"{count / 1e6:.1f} M" if count >= 1e6 else f"{count / 1e3:.0f} k"


def fit_said(fit: Fit) -> str:
    """What became of the checkpoint, in one sentence."""
    if fit.reason:
        return fit.reason
    return f"goes with {fit.config}: {fit.found.get('said')}"


def as_json(report: Report) -> dict[str, Any]:
    """The report as plain values."""
    found: dict[str, Any] = {
        "version": 1,
        "project": str(report.root),
        "good": report.good,
        "counts": {kind: dict(report.counts(kind)) for kind in _TITLES},
        "seconds": round(report.seconds, 1),
        "code run": report.code,
        "packages": report.packages,
        "copies of packages": report.vendored,
        "changed and not used": report.engine,
        "not looked at": report.left_out,
        "files": [
            {
                "path": verdict.path,
                "kind": verdict.kind,
                "verdict": MEANING[verdict.status],
                "reasons": verdict.reasons,
                "edits": [edit.what for edit in verdict.edits],
                "diffs": verdict.diffs,
                "notes": verdict.notes,
                "stage": verdict.stage,
                "seconds": dict(verdict.stages),
                "facts": {key: value for key, value in verdict.facts.items() if key not in ("loaded", "types")},
            }
            for verdict in report.verdicts
        ],
    }
    if report.fit is not None:
        fit = report.fit
        found["checkpoint"] = {"file": fit.file, "good": fit.good, "config": fit.config, "said": fit_said(fit)}
        found["checkpoint"] |= {"agreement": dict(fit.rated), "holds": fit.facts, "loading": fit.found}
    return found


def write(path: str | Path, text: str) -> Path:
    """Write a file of the report.

    Raises:
        InputError: it cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
    return path


def write_json(path: str | Path, report: Report) -> Path:
    """Write `as_json`."""
    return write(path, json.dumps(as_json(report), indent=2, default=str) + "\n")
