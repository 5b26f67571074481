"""A report to where it was asked for: the terminal, JSON, a page, and a config with the proposed settings."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from segue.doctor.apply import apply as write_config
from segue.doctor.doctor import Report
from segue.doctor.page import write_page
from segue.doctor.show import show, write_json
from segue.system.shown import escape


def deliver(
    report: Report,
    console: Console,
    *,
    config: Path | None,
    json: str | Path | None,
    html: str | Path | None,
    apply: bool | str | Path,
) -> None:
    """Print a report and write what was asked for; ``config`` is the file that it is about, None of a folder.

    Raises:
        InputError: a file cannot be written, or there is nothing to apply.
    """
    if report.missing:
        names = ", ".join(str(index) for index in report.missing[:8])
        more = "" if len(report.missing) <= 8 else f" and {len(report.missing) - 8} more"
        console.print(
            f"This share is kept; still missing: {names}{more}. The last of them to end judges all files, and prints "
            "and writes what is asked for.",
            highlight=False,
        )
        return
    show(report, console)
    if json is not None:
        write_json(json, report)
    if html is not None:
        console.print(f"Page: {escape(write_page(html, report))}", highlight=False, soft_wrap=True)
    if apply:
        written = write_config(report, config, None if apply is True else apply)
        console.print(f"Config: {escape(written)}", highlight=False, soft_wrap=True)
