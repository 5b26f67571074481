"""``segue demo``: its pieces, and as a slow test the whole of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from segue.config import Config
from segue.config.builder.build import build_model, check
from segue.demo import QUICK, RECIPE, class_rows, clock, curves, next_steps, run_demo
from segue.errors import InputError


def test_the_recipe_is_an_ordinary_config_that_finds_its_data_beside_itself(tmp_path: Path):
    copy = tmp_path / RECIPE.name
    copy.write_text(RECIPE.read_text(encoding="utf-8"), encoding="utf-8")
    cfg = Config.fromfile(copy)
    assert cfg.train_dataloader.dataset.data_root == f"{tmp_path}/town"
    assert check(cfg) == []
    assert build_model(cfg).num_classes == 3


def test_quick_changes_only_what_the_recipe_has():
    cfg = Config.fromfile(RECIPE)
    for option in QUICK:
        node = cfg
        for key in option.split("=")[0].split("."):
            node = node[int(key)] if key.isdigit() else node[key]


def test_curves_and_rows_come_from_the_run(tmp_path: Path):
    lines = [{"mode": "train", "step": 5, "loss": 1.5}, {"mode": "train", "step": 10, "loss": None}]
    lines += [{"mode": "val", "step": 10, "mIoU": 81.25}]
    (tmp_path / "scalars.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    loss, miou = curves(tmp_path / "scalars.jsonl")
    assert loss.points == [(5, 1.5)] and miou.points == [(10, 81.25)] and miou.percent
    truth = np.array([[0, 0], [1, 0]], np.uint8)
    rows = class_rows({"IoU/a": 50.0, "Acc/a": 60.0, "IoU/b": 70.0, "Acc/b": 80.0}, "ab", [(0, 0, 0)] * 2, [truth])
    assert [(row.name, row.iou, row.accuracy, row.share) for row in rows] == [("a", 50, 60, 75), ("b", 70, 80, 25)]


def test_words():
    assert clock(59.4) == "59 s" and clock(65) == "1 min 05 s"
    assert all(str(Path("x")) in command.line for command in next_steps(Path("x"))[:3])


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file: cannot be written \(File exists\); choose another --out"):
        run_demo(tmp_path / "file")


@pytest.mark.slow
def test_the_demo_finds_buildings_and_roads(tmp_path: Path):
    """The promise: held-out mIoU of at least 75, each class found, the page complete."""
    page = run_demo(tmp_path / "demo")
    lines = [json.loads(line) for line in (tmp_path / "demo/run/scalars.jsonl").read_text().splitlines()]
    last = [line for line in lines if line["mode"] == "val"][-1]
    assert last["mIoU"] >= 75 and last["IoU/building"] >= 60 and last["IoU/road"] >= 75
    text = page.read_text(encoding="utf-8")
    assert text.count("<img") == 2 + 3 * 5 and f"{last['mIoU']:.1f} %" in text
    assert len(list((tmp_path / "demo/overlays").glob("*.png"))) == 6
