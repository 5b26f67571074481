"""Trying a project in one call: ``segue.migrate`` and the command of that name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segue.migration import Report


def migrate(
    folder: str | Path,
    *,
    checkpoint: str | Path | None = None,
    config: str | None = None,
    only: Sequence[str] = (),
    code: bool = True,
    trust: bool = False,
    time_limit: float = 60.0,
    jobs: int | None = None,
    html: str | Path | None = "segue-migration.html",
    patch: str | Path | None = None,
    json: str | Path | None = None,
) -> Report:
    """Try a project built on mmseg, print what runs, and write a page, the edits as a patch, and perhaps JSON.

    Args:
        folder: the project's folder; it is only read.
        checkpoint, config, only, code, trust, time_limit, jobs: see `segue.migration.migrate`.
        html: where to write the page; None: no page is written.
        patch: where to write the edits; by default beside the page, with ``.patch`` for ``.html``.
        json: where to write the report as JSON.

    Raises:
        InputError: the folder or the checkpoint is not there, or a file cannot be written.
    """
    from rich.console import Console

    from segue.migration import migrate as run
    from segue.migration.page import write_page
    from segue.migration.show import show, write, write_json
    from segue.system.shown import escape

    console = Console()
    report = run(
        folder,
        checkpoint=checkpoint,
        config=config,
        only=only,
        code=code,
        trust=trust,
        time_limit=time_limit,
        jobs=jobs,
    )
    show(report, console)
    if patch is None and html is not None:
        patch = Path(html).with_suffix(".patch")
    if patch is not None and report.patch:
        console.print(f"Edits: {escape(write(patch, report.patch))}", highlight=False, soft_wrap=True)
    if json is not None:
        write_json(json, report)
    if html is not None:
        page = write_page(html, report, str(patch or ""))
        console.print(f"Page: {escape(page)}", highlight=False, soft_wrap=True)
    return report
