"""``segue test`` with a CRF, and shared out."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

import segue
from segue.checkpoints import save_weights
from segue.cli import main
from segue.config import Config
from segue.config.builder.build import build_model
from segue.inference.crf import CRF
from tests.cli.project import make_project


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """A config and weights."""
    config = make_project(tmp_path / "project")
    weights = save_weights(tmp_path / "w.safetensors", build_model(Config.fromfile(config)).state_dict())
    return ["test", str(config), str(weights), "--accelerator", "cpu"]


def test_a_crf_refines_what_is_measured(command: list[str], tmp_path: Path) -> None:
    """Oracle: the same CRF on the same pictures in prediction."""
    options = ["--crf", "--crf-options", "sxy=4", "srgb=20", "compat=8"]
    assert main([*command, "--out", str(tmp_path / "plain"), "--work-dir", str(tmp_path / "a")]) == 0
    assert main([*command, *options, "--out", str(tmp_path / "crf"), "--work-dir", str(tmp_path / "b")]) == 0
    crf = CRF(sxy=4.0, srgb=20.0, compat=8.0)
    model = segue.load(*command[1:3])
    changed = False
    for path in sorted((tmp_path / "project" / "data" / "images").iterdir()):
        found = cv2.imread(str(tmp_path / "crf" / path.name), -1)
        np.testing.assert_array_equal(found, model.predict(path, crf=crf).labels)
        changed |= bool((found != cv2.imread(str(tmp_path / "plain" / path.name), -1)).any())
    assert changed, "it must matter"
    before, after = (json.loads((tmp_path / name / "metrics.json").read_text()) for name in "ab")
    assert before.keys() == after.keys() and before != after
    assert main([*command, "--crf-options", "sxy=4"]) == 1


def test_shares_add_up(command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Eight images in three shares, in any order, one of them twice. Oracle: the metrics of one run."""
    assert main([*command, "--work-dir", str(tmp_path / "whole")]) == 0
    own = ["--work-dir", str(tmp_path / "shared")]
    for share in ("2/3", "3/3", "2/3"):
        assert main([*command, *own, "--shard", share]) == 0
    said = capsys.readouterr().out
    assert "share 2 of 3 is there already" in said and "1 of 3 shares are missing: 1; the last one measures" in said
    assert not (tmp_path / "shared" / "metrics.json").exists()
    assert main([*command, *own, "--shard", "1/3"]) == 0
    assert "All 3 shares" in capsys.readouterr().out
    whole, shared = (json.loads((tmp_path / name / "metrics.json").read_text()) for name in ("whole", "shared"))
    assert shared == whole
    assert main([*command, *own, "--shard", "1/3", "--cfg-options", "model.decode_head.dropout_ratio=0.3"]) == 1
    assert "share_0001_of_0003.json: was counted with another config; remove" in capsys.readouterr().err.replace(
        "\n", " "
    )
    (tmp_path / "shared" / "shares" / "share_0002_of_0003.json").write_text("{")
    assert main([*command, *own, "--shard", "2/3"]) == 1
    assert "is no share of an evaluation: remove it" in capsys.readouterr().err.replace("\n", " ")
    assert main([*command, "--shard", "1/3"]) == 1
    assert "shard: the shares are kept in work_dir; name one" in capsys.readouterr().err.replace("\n", " ")


def test_more_shares_than_images(command: list[str], tmp_path: Path) -> None:
    assert main([*command, "--work-dir", str(tmp_path / "whole")]) == 0
    for share in range(1, 11):
        assert main([*command, "--work-dir", str(tmp_path / "shared"), "--shard", f"{share}/10"]) == 0
    whole, shared = (json.loads((tmp_path / name / "metrics.json").read_text()) for name in ("whole", "shared"))
    assert shared == whole
