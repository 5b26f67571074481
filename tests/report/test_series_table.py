"""Mean and deviation of several runs."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from rich.console import Console

from segue.errors import DataError
from segue.report.series_table import Table, compared_runs, read_tables

RUNS = {
    "seed_0": {"aAcc": 90.0, "IoU/road": 80.0, "Acc/road": 1.0, "mIoU": 70.0},
    "seed_1": {"aAcc": 92.0, "IoU/road": float("nan"), "Acc/road": 2.0, "mIoU": 72.0},
    "seed_2": {"aAcc": 97.0, "IoU/road": 86.0, "Acc/road": 3.0, "mIoU": 77.0, "IoU/[b]": None},
}


def test_by_hand(tmp_path: Path) -> None:
    """70, 72, 77: mean 73, and -3, -1, 4 have squares that sum to 26, over n - 1 = 2. 80 and 86: 83 and 3 root 2."""
    table = Table.of("seeds", RUNS)
    found = {row.name: row for row in table.rows}
    assert list(found) == ["aAcc", "mIoU", "IoU/road", "Acc/road", "IoU/[b]"]
    assert found["mIoU"].mean == 73 and found["mIoU"].deviation == pytest.approx(13**0.5)
    road = found["IoU/road"]
    assert road.values == (80, None, 86) and road.mean == 83 and road.deviation == pytest.approx(18**0.5)
    assert found["IoU/[b]"].mean is None and found["IoU/[b]"].deviation is None
    assert table.sentence == "mIoU 73.00 ± 3.61 over 3 runs (seed_0, seed_1, seed_2)"
    table.write(tmp_path)
    assert read_tables(tmp_path) == [table]
    rows = list(csv.reader(io.StringIO((tmp_path / "seeds_table.csv").read_text(encoding="utf-8"))))
    assert rows[0] == ["metric", "seed_0", "seed_1", "seed_2", "mean", "deviation"]
    assert rows[3] == ["IoU/road", "80.0", "", "86.0", "83.0", "4.2426"]


def test_shown() -> None:
    """Of each class the IoU; in how many runs a class has one, where that is not all; many runs have no columns."""
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(Table.of("seeds", RUNS).shown())
    lines = {line.split()[0]: line.split()[1:] for line in console.export_text().splitlines() if line.strip()}
    assert lines["mIoU"] == ["70.00", "72.00", "77.00", "73.00", "3.61"]
    assert lines["IoU/road"] == ["80.00", "-", "86.00", "83.00", "of", "2", "4.24"] and "Acc/road" not in lines
    assert lines["IoU/[b]"] == ["-", "-", "-", "-", "of", "0", "-"]
    console.print(Table.of("folds_of_6", {f"fold_{i}": {"mIoU": float(i)} for i in range(6)}).shown())
    assert "fold_1" not in console.export_text()


def test_one_run_has_no_deviation() -> None:
    assert Table.of("seeds", {"seed_7": {"mIoU": 3.0}}).sentence == "mIoU 3.00 over 1 runs (seed_7)"
    assert Table.of("seeds", {"seed_7": {}}).sentence == "1 runs (seeds), which have no metric"


def test_what_a_folder_stands_for(tmp_path: Path) -> None:
    """The seeds that have a report; of folds nothing; a folder with a report of its own is itself."""
    assert compared_runs(tmp_path) == [tmp_path] and read_tables(tmp_path / "report.json") == []
    Table.of("folds_of_2", {"fold_1_of_2": {"mIoU": 1.0}}).write(tmp_path)
    assert compared_runs(tmp_path) == []
    Table.of("seeds", RUNS).write(tmp_path)
    for name in ("seed_0", "seed_2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.json").write_text("{}")
    assert compared_runs(tmp_path) == [tmp_path / "seed_0", tmp_path / "seed_2"]
    (tmp_path / "test_report.json").write_text("{}")
    assert compared_runs(tmp_path) == [tmp_path]


@pytest.mark.parametrize("text", ["", "[]", '{"format": 2}', '{"format": 1, "title": "a", "runs": ["x"], "rows": [1]}'])
def test_damaged(text: str, tmp_path: Path) -> None:
    (tmp_path / "seeds_table.json").write_text(text)
    with pytest.raises(DataError, match=r"seeds_table.json: is damaged .*; segue train with --resume writes it again"):
        read_tables(tmp_path)
