"""Whole projects with a changed copy of mmseg, by real commands in processes of their own, two steps each."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from segue.migration import migrate
from segue.migration.page import write_page
from tests.compat.forks import projects

TRAINED = {
    "segformer": ["mmseg.models.backbones.mit", "SegFormerHead"],
    "setr": ["mmseg.models.backbones.vit", "VisionTransformerUpHead"],
    "daformer": ["mmseg.models.backbones.mix_transformer", "DAFormerHead"],
    "segnext": ["mmseg.models.backbones.mscan", "LightHamHead"],
}


def segue(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command as a user types it."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "segue", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=400, env=environment)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name != "segformer")) for name in projects.ALL]
)
def test_its_own_program_trains(name: str, tmp_path: Path) -> None:
    root = projects.write(tmp_path / name, projects.ALL[name])
    done = segue(root, "run", "tools/train.py", "configs/own/tiny.py", "--work-dir", "out")
    assert done.returncode == 0, done.stderr[-3000:]
    assert projects.trained(done.stdout) == TRAINED[name]
    assert (root / "out/last.ckpt").exists() and "Iter(train) [2/2]" in done.stdout + done.stderr
    assert f"{root} has its own mmseg/" in done.stderr
    if name == "daformer":
        assert "STEPS True Adaptation" in done.stdout


@pytest.mark.slow
def test_segue_train_takes_its_config(tmp_path: Path) -> None:
    """From its own folder, and from another one."""
    root = projects.write(tmp_path / "setr", projects.SETR)
    done = segue(root, "train", "configs/own/tiny.py", "--work-dir", "out")
    assert done.returncode == 0, done.stderr[-3000:]
    assert (root / "out/last.ckpt").exists()
    elsewhere = segue(tmp_path, "train", "setr/configs/own/tiny.py", "--work-dir", "out", "--cfg-options",
                      *(f"data.{part}.data_root={root / 'data'}" for part in ("train", "val", "test")))  # fmt: skip
    assert elsewhere.returncode == 0, elsewhere.stderr[-3000:]


@pytest.mark.slow
def test_migrate_finds_that_they_run(tmp_path: Path) -> None:
    """All in one folder, each config with the copy above it. Nothing moves, nothing is to be installed, and a program
    needs no more than the line that every one does.
    """
    for name, files in projects.ALL.items():
        projects.write(tmp_path / name, files, data=False)
    report = migrate(tmp_path, jobs=1)
    status = {verdict.path: verdict.status for verdict in report.verdicts}
    why = [f"{verdict.path}: {verdict.reasons}" for verdict in report.verdicts if verdict.reasons]
    for name in projects.ALL:
        assert status.pop(f"{name}/tools/train.py") == "edits", why
        assert status.pop(f"{name}/configs/_base_/schedule.py") == "part", why
        assert status[f"{name}/configs/own/tiny.py"] == "as is", why
    page = write_page(tmp_path / "page.html", report).read_text()
    assert "pip install" not in page and "pip install" not in "\n".join(why)
    assert set(status.values()) == {"as is"} and not report.packages and not report.patch.count("own_modules"), why
