"""What a run shows: lines in a file, a bar on a terminal, and a table per validation."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console
from small_run import config, parts, run

from segue.training.progress import class_table, clock, summary
from segue.training.trainer import Machine, train


def shown(table: object) -> str:
    console = Console(file=io.StringIO(), width=80)
    console.print(table)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_lines_where_there_is_no_terminal(tmp_path: Path) -> None:
    text = io.StringIO()
    run(config(), tmp_path, text=text)
    said = text.getvalue().splitlines()
    assert said[0] == "Small, 0.0 M parameters; 10 images, 4 for validation"
    assert said[1] == "6 iterations on 1 x CPU, 32-true; seed 7"
    line = next(s for s in said if s.startswith("Iter(train) [2/6]"))
    for fact in (
        " loss: ",
        "decode.loss_ce: ",
        "decode.acc_seg: ",
        "lr: 8.1805e-02",
        " time: ",
        "data_time: ",
        "eta: 0:0",
    ):
        assert fact in line
    assert "Validation after iteration 3" in said
    assert any(s.startswith("aAcc: ") and "best before: mIoU" in s and "at 3)" in s for s in said)


def test_bar_on_a_terminal(tmp_path: Path) -> None:
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=120, color_system=None)
    machine = Machine(accelerator="cpu", devices=1)
    train(config(), work_dir=tmp_path, build=parts, machine=machine, console=console)
    said = text.getvalue()
    assert "6/6" in said
    assert "it/s" in said
    assert "validate" in said
    assert "[2/6]" not in said
    assert said.count("Validation after iteration") == 2


def test_class_without_a_value_is_a_dash() -> None:
    rows: list[dict[str, str | float]] = [{"class": "road", "IoU": 90.123}, {"class": "sky", "IoU": float("nan")}]
    text = shown(class_table(rows))
    assert "road" in text
    assert "90.12" in text
    assert text.split("sky")[1].split()[0] == "-"


def test_summary_names_the_means_and_the_best() -> None:
    assert summary({"mIoU": 50.0, "IoU/road": 90.0}, {"mIoU": [55.5, 4000, "file"]}) == (
        "mIoU: 50.00  (best before: mIoU 55.50 at 4000)"
    )


def test_clock() -> None:
    assert clock(3723.4) == "1:02:03"
    assert clock(float("inf")) == "?"
