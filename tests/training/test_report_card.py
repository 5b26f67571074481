"""What a training and a test leave of a report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from segue.cli import main
from tests.cli.project import make_project


def test_a_training_and_a_test(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The card's mIoU is the validation's, one pass and no other; the test's page lies beside the checkpoint."""
    config, work = make_project(tmp_path / "a <b> é"), tmp_path / "run 1"
    assert main(["train", str(config), "--work-dir", str(work)]) == 0
    assert "The report: " in capsys.readouterr().out
    card = json.loads((work / "report.json").read_text(encoding="utf-8"))
    last = json.loads((work / "scalars.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert card["summary"]["mIoU"] == pytest.approx(last["mIoU"], abs=0.02) and len(card["images"]) == 8
    facts = dict(card["facts"])
    assert facts["iterations"] == "4" and "8 files" in facts["measured labels"] and "config.py:" in card["config"]
    assert main(["test", str(config), str(work / "last.ckpt")]) == 0
    tested = json.loads((work / "test_report.json").read_text(encoding="utf-8"))
    assert tested["images"] == card["images"] and tested["calibration"] == card["calibration"]
    assert "<b>" not in (work / "test_report.html").read_text(encoding="utf-8").split("</h1>")[0].split("<h1>")[1]
    assert main(["report", str(work / "report.json"), str(work), "--out", str(tmp_path / "both.html")]) == 0
    assert "is noise" in capsys.readouterr().out or (tmp_path / "both.html").is_file()


def test_none_is_asked_for(tmp_path: Path) -> None:
    config, work = make_project(tmp_path), tmp_path / "run"
    assert main(["train", str(config), "--work-dir", str(work), "--no-report"]) == 0
    assert main(["test", str(config), str(work / "last.ckpt"), "--no-report"]) == 0
    assert not list(work.glob("*report*"))


def test_a_report_that_fails_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object) -> None:
        raise ValueError("no paper")

    monkeypatch.setattr("segue.training.report_card.results.results", broken)
    assert main(["train", str(make_project(tmp_path)), "--work-dir", str(tmp_path / "run")]) == 0
    assert "The report could not be made (ValueError: no paper); the measurement stands" in capsys.readouterr().out
