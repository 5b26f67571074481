"""Logs of every kind, recorded by Segue, by mmseg 1.2.2 (mmengine) and 0.30 (mmcv), and what damages them."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest

from segue.errors import DataError
from segue.report.logs.read import read_log

DATA = Path(__file__).parents[1] / "data"


def test_segue() -> None:
    log = read_log(DATA / "segue_first.jsonl")
    assert (log.kind, len(log.train["loss"]), max(log.val["mIoU"])) == ("Segue", 32, 160)


def test_mmengine_counts_epochs_in_validations() -> None:
    """12 epochs of three iterations, validated after every second one; mmengine notes 2, 4, 6 ... as their steps."""
    log = read_log(DATA / "mmengine_epochs.json")
    assert log.kind == "mmengine"
    assert len(log.val["mIoU"]) == 6 and max(log.val["mIoU"]) > 12, log.val["mIoU"]


def test_mmengine_iterations() -> None:
    assert list(read_log(DATA / "mmengine_iters.json").val["mIoU"]) == [10, 20, 30, 40]


def test_old_shares_are_percent() -> None:
    log = read_log(DATA / "mmcv.log.json")
    assert log.kind == "mmcv 0.x" and log.val["mIoU"] == {2: pytest.approx(14.93, abs=0.01)}
    assert "IoU/water" in log.val


def test_old_epochs_are_put_in_a_row(tmp_path: Path) -> None:
    lines = ['{"env_info": "x", "seed": 1}']
    for epoch in (1, 2):
        lines += [f'{{"mode": "train", "epoch": {epoch}, "iter": {i}, "loss": {epoch}.{i}}}' for i in (5, 10)]
        lines.append(f'{{"mode": "val", "epoch": {epoch}, "iter": 7, "mIoU": 0.{epoch}}}')
    (tmp_path / "1.log.json").write_text("\n".join(lines), encoding="utf-8")
    log = read_log(tmp_path)
    assert log.train["loss"] == {5: 1.5, 10: 1.10, 15: 2.5, 20: 2.10} and list(log.val["mIoU"]) == [10, 20]
    assert "10 iterations" in " ".join(log.said)


def write(path: Path, steps: list[int], text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f'{{"loss": {s}.0, "lr": 0.1, "step": {s}}}\n' for s in steps) + text, encoding="utf-8")
    return path


def test_a_cut_line_and_numbers_that_are_none(tmp_path: Path) -> None:
    text = '{"loss": NaN, "lr": 1, "step": 30}\n{"loss": -Infinity, "lr": 1, "step": 40}\n{"loss": 3.'
    log = read_log(write(tmp_path / "scalars.json", [10, 20], text))
    assert [math.isnan(v) for v in log.train["loss"].values()] == [False, False, True, True]
    assert "cut off" in " ".join(log.said) and "2 values are not finite" in " ".join(log.said)


def test_a_resumed_run_and_a_new_one(tmp_path: Path) -> None:
    write(tmp_path / "1" / "vis_data" / "scalars.json", [10, 20, 30])
    write(tmp_path / "2" / "vis_data" / "scalars.json", [30, 40])
    log = read_log(tmp_path)
    assert list(log.train["loss"]) == [10, 20, 30, 40] and "more than once" in " ".join(log.said)
    write(tmp_path / "3" / "vis_data" / "scalars.json", [10, 20])
    log = read_log(tmp_path)
    assert list(log.train["loss"]) == [10, 20] and "earlier run" in " ".join(log.said)


def test_two_runs_in_one_file(tmp_path: Path) -> None:
    log = read_log(write(tmp_path / "scalars.json", [10, 20, 30, 10, 20]))
    assert list(log.train["loss"]) == [10, 20] and "up to step 30" in " ".join(log.said)


@pytest.mark.parametrize("coding", ["utf-16", "utf-8-sig"])
def test_other_encodings(tmp_path: Path, coding: str) -> None:
    file = tmp_path / "scalars.json"
    file.write_text('{"loss": 1.5, "lr": 1, "step": 1}\n', encoding=coding)
    assert read_log(file).train["loss"] == {1: 1.5}


@pytest.mark.parametrize("content", ["", "[]\n", '{"step": 1e999, "loss": 1}', "\x00\x00\n", "[" * 100_000])
def test_nothing_to_read(tmp_path: Path, content: str) -> None:
    (tmp_path / "scalars.jsonl").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match="no line with numbers"):
        read_log(tmp_path)


def test_no_log(tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    shutil.copy(DATA / "segue_first.jsonl", tmp_path / "first" / "scalars.jsonl")
    with pytest.raises(DataError, match=r"no log of a training there .*first"):
        read_log(tmp_path)
