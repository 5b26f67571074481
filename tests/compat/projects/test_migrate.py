"""``segue migrate`` on the projects: verdicts are what `test_projects` finds, and nothing is to be installed."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from segue.migration import migrate
from segue.migration.page import write_page
from tests.compat.projects.runs import PROJECTS, REFUSED, Project, lay_out

FIRST = {project.folder: project for project in (*PROJECTS, REFUSED)}
#: a quick one; the others run with ``-m slow``
QUICK = ("kd_zoo",)


@pytest.mark.parametrize(
    "project", [pytest.param(p, id=n, marks=() if n in QUICK else pytest.mark.slow) for n, p in FIRST.items()]
)
def test_verdicts_and_advice(project: Project, tmp_path: Path) -> None:
    root = lay_out(project, tmp_path)
    report = migrate(root, jobs=1, time_limit=300, console=Console(file=io.StringIO()))
    configs = {verdict.path: verdict for verdict in report.of("config")}
    for other in (*PROJECTS, REFUSED):
        if other.folder == project.folder:
            verdict = configs[f"configs/{other.config}"]
            wanted = ("no",) if other is REFUSED else ("as is", "edits")
            assert verdict.status in wanted, (verdict.path, verdict.reasons)
    assert report.packages == {}
    said = [reason for verdict in report.verdicts for reason in verdict.reasons]
    said.append(write_page(tmp_path / "page.html", report).read_text())
    assert not [text for text in said if "pip install" in text]
    for verdict in report.verdicts:
        if project is not REFUSED:
            assert verdict.status != "no", (verdict.path, verdict.reasons)
