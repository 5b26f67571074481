"""Whole commands: folds, seeds, and what they leave."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import segue
from segue.checkpoints import read
from segue.cli import main
from tests.cli.project import make_project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("series"))


def state(path: Path) -> dict[str, torch.Tensor]:
    return read(path).state_dict


def test_seeds(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run of a series is the run that is started alone, bit by bit; reports compare; all make an ensemble."""
    command = ["train", str(project), "--accelerator", "cpu"]
    assert main([*command, "--seeds", "0,5", "--work-dir", str(tmp_path / "s")]) == 0
    assert "over 2 runs (seed_0, seed_5)" in capsys.readouterr().out
    assert main([*command, "--seed", "5", "--work-dir", str(tmp_path / "alone"), "--no-report"]) == 0
    one, two = state(tmp_path / "alone" / "last.ckpt"), state(tmp_path / "s" / "seed_5" / "last.ckpt")
    assert one.keys() == two.keys() and all(torch.equal(one[key], two[key]) for key in one)
    other = state(tmp_path / "s" / "seed_0" / "last.ckpt")
    assert any(not torch.equal(one[key], other[key]) for key in one)
    capsys.readouterr()
    assert main(["report", str(tmp_path / "s"), "--out", str(tmp_path / "page.html")]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "over 2 runs (seed_0, seed_5)" in said and "mIoU between seed_5 and seed_0" in said
    assert (tmp_path / "page.html").is_file()
    model = segue.load(project, sorted((tmp_path / "s").glob("seed_*/last.ckpt")))
    assert len(model.model.members) == 2  # type: ignore[arg-type]


def test_folds(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One fold by itself is the fold of the series, which does not train it again; the folds are one file."""
    command = ["train", str(project), "--accelerator", "cpu", "--work-dir", str(tmp_path), "--no-report"]
    assert main([*command, "--fold", "2/2"]) == 0
    written = (tmp_path / "folds_of_2.json").read_text()
    trained = (tmp_path / "fold_2_of_2" / "last.ckpt").stat().st_mtime_ns
    capsys.readouterr()
    assert main([*command, "--folds", "2", "--resume"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "fold_2_of_2 has ended before" in said and "over 2 runs (fold_1_of_2, fold_2_of_2)" in said
    assert (tmp_path / "folds_of_2.json").read_text() == written
    assert (tmp_path / "fold_2_of_2" / "last.ckpt").stat().st_mtime_ns == trained
    table = json.loads((tmp_path / "folds_of_2_table.json").read_text())
    ends = [json.loads((tmp_path / f"fold_{i}_of_2" / "scalars.jsonl").read_text().splitlines()[-1]) for i in (1, 2)]
    rows = {row["metric"]: row for row in table["rows"]}
    assert rows["mIoU"]["values"] == [end["mIoU"] for end in ends]
    assert rows["mIoU"]["mean"] == pytest.approx(sum(end["mIoU"] for end in ends) / 2)
    capsys.readouterr()
    assert main(["report", str(tmp_path)]) == 0
    assert "over 2 runs (fold_1_of_2, fold_2_of_2)" in " ".join(capsys.readouterr().out.split())
