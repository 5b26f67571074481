"""Twelve custom modules in the common styles train two steps.

The oracle is mmseg 1.2.2 itself on the same images and weights: ``data/losses.json``, which ``project/record.py`` wrote
with its own environment.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from segue.config.builder.build import build_model
from segue.recipes.open import read_config
from segue.training import Machine, train
from tests.compat.project.cases import CASES, case, fill, make_data

EXPECTED = json.loads((Path(__file__).parent / "data" / "losses.json").read_text())
#: Two pixels in percent of the fewest that an accuracy counts: of two images (64, 64) about one pixel in twenty is
#: ignored. Another processor's order of sums turns one of them where two classes are as good as equal.
PIXELS = 2 * 100 / (0.94 * 2 * 64 * 64)


def run(cfg: Any) -> Any:
    """Train on the CPU, quietly."""
    machine = Machine(accelerator="cpu", devices=1)
    return train(read_config(cfg), machine=machine, console=Console(file=io.StringIO()))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    make_data(root)
    return root


@pytest.mark.parametrize("name", CASES)
def test_two_steps_as_under_mmseg(name: str, data: Path, tmp_path: Path) -> None:
    cfg = read_config(case(name, data, tmp_path))
    weights = tmp_path / "weights.pth"
    torch.save({"state_dict": fill(build_model(cfg).state_dict())}, weights)
    cfg["load_from"] = str(weights)
    run(cfg)
    record = json.loads((tmp_path / "record.json").read_text())
    expected = EXPECTED[name]
    for line, wanted in zip(record["lines"], expected["lines"], strict=True):
        assert line.keys() >= wanted.keys()
        for key, value in wanted.items():
            counted = key.endswith(("acc_seg", "error"))
            limit = {"abs": PIXELS} if counted else {"rel": 1e-4, "abs": 1e-5}
            assert line[key] == pytest.approx(value, **limit), key
    assert record["points"] == expected["points"]


def test_the_backend_gets_every_number(data: Path, tmp_path: Path) -> None:
    """Every number as it is; mmseg averages the second over its window (1.1369 is the mean of both losses)."""
    cfg = read_config(case("backend", data, tmp_path))
    weights = tmp_path / "weights.pth"
    torch.save({"state_dict": fill(build_model(cfg).state_dict())}, weights)
    run({**cfg, "load_from": str(weights)})
    lines = (tmp_path / "vis_data" / "numbers.txt").read_text().splitlines()
    config, _, first, second, closed = (line.partition("=") for line in EXPECTED["backend"]["numbers"])
    losses = [line["loss"] for line in EXPECTED["backend"]["lines"]]
    found = [line.partition("=") for line in lines]
    assert [name for name, _, _ in found] == [config[0], first[0], second[0], closed[0]]
    # The last of the four printed digits may fall on either side.
    assert [float(value) for _, _, value in found[1:3]] == pytest.approx(losses, abs=1.1e-4)
    assert float(second[2]) == pytest.approx(sum(losses) / 2, abs=1.1e-4)
