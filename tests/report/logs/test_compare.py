"""The comparison of curves, by hand and on recorded logs."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from segue.cli import main
from segue.errors import DataError
from segue.report.logs.compare import compare
from segue.report.logs.read import Log, read_log

DATA = Path(__file__).parents[1] / "data"


def log(name: str, losses: dict[int, float]) -> Log:
    return Log(name, (Path(name),), "Segue", {"loss": losses}, {})


def test_by_hand() -> None:
    """a = 1, 2, 4 and b = 1.1, 1.8, 4: relative (0.1 - 0.1 + 0) / 3, absolute (0.1 - 0.2) / 3."""
    found = compare(log("a", {1: 1.0, 2: 2.0, 3: 4.0}), log("b", {1: 1.1, 2: 1.8, 3: 4.0}))
    assert (found.relative, found.absolute) == (pytest.approx(0), pytest.approx(-0.1 / 3))
    assert (found.relative_size, found.absolute_size) == (pytest.approx(0.2 / 3), pytest.approx(0.1))
    assert found.worst == 2 and found.passed and "by its sign only" in " ".join(found.said)
    assert not compare(log("a", {1: 1.0, 2: 2.0}), log("b", {1: 1.1, 2: 1.8}), sizes=True).passed


def test_the_limits() -> None:
    """A loss 10 % above fails, 10 % below passes, and 10 % of almost nothing passes."""
    assert not compare(log("a", {1: 1.0}), log("b", {1: 1.1})).passed
    assert compare(log("a", {1: 1.0}), log("b", {1: 0.9})).passed
    assert compare(log("a", {1: 0.001}), log("b", {1: 0.0011})).passed
    assert compare(log("a", {1: 1.0}), log("b", {1: 1.1}), relative=0.11).passed


def test_what_is_not_matched_is_said() -> None:
    found = compare(log("a", {10: 1.0, 20: 1.0}), log("b", {20: 1.0, 40: 1.0, 60: 1.0}))
    assert found.steps == [20]
    assert " ".join(found.said) == "1 of 2 steps are only in a 2 of 3 steps are only in b"
    with pytest.raises(DataError, match="no step in common"):
        compare(log("a", {1: 1.0}), log("b", {2: 1.0}))


def test_a_loss_that_is_no_number_fails() -> None:
    found = compare(log("a", {1: 1.0, 2: 1.0}), log("b", {1: 1.0, 2: math.nan}))
    assert not found.passed and "finite in one of them" in " ".join(found.said)
    assert not compare(log("a", {1: math.nan}), log("b", {1: math.nan})).passed
    assert "is 0" in " ".join(compare(log("a", {1: 0.0}), log("b", {1: 0.0})).said)


def test_another_curve_is_proposed() -> None:
    with pytest.raises(DataError, match="did you mean 'loss'"):
        compare(read_log(DATA / "segue_first.jsonl"), read_log(DATA / "mmengine_iters.json"), "los")


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Status 0 of a run against itself, 1 of two trainings that differ; a picture each."""
    monkeypatch.chdir(tmp_path)
    first, other = str(DATA / "segue_first.jsonl"), str(DATA / "mmengine_iters.json")
    assert main(["logs", "compare", first, first, "--out", "same.png"]) == 0
    assert "pass: relative error 0.000000 <= 0.05" in capsys.readouterr().out
    assert main(["logs", "compare", first, other]) == 1
    shown = capsys.readouterr().out
    assert "fail: " in shown and "steps are only in segue_first.jsonl" in shown
    assert Path("same.png").stat().st_size > 5000 and "<svg" in Path("loss_compare.svg").read_text(encoding="utf-8")
    assert main(["logs", "plot", first, str(DATA / "mmcv.log.json"), "--out", "curves.svg"]) == 0
    assert main(["logs", "table", first, other, "--out", "table.csv"]) == 0
    assert "best mIoU" in Path("table.csv").read_text(encoding="utf-8")
    assert main(["logs", "plot", first, "--keys", "mIuO"]) == 1 and main(["logs", "compare", first]) == 1
