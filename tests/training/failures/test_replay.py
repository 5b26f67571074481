"""A step as a file, and done again from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from segue.checkpoints import save_weights
from segue.cli import main
from segue.errors import CheckpointError
from segue.training.failures.replay_file import Step, read_step, write_step
from segue.types import SegSample
from tests.cli.project import make_project


def test_file_gives_the_step_back(tmp_path: Path) -> None:
    """Oracle: what was written."""
    sample = SegSample(
        meta={"img_path": "ä b.png", "shape": (2, 3), "m": np.eye(2), "f": np.float32(2), "o": object()},
        gt_sem_seg=torch.ones(2, 3, dtype=torch.int64),
    )
    state = {"state": {0: {"step": torch.tensor(3.0), "m": None}}, "param_groups": [{"lr": 0.1, "params": [0, 1]}]}
    batch = {"inputs": [torch.zeros(5, 2, 3, dtype=torch.uint8)], "data_samples": [sample], "counted": [True]}
    given = Step("a = 1", 7, 3, 1, "bf16-mixed", 2.0, "x", {"loss": "nan"}, {"w.a": torch.ones(2)}, state, batch)
    found = read_step(write_step(tmp_path / "replay_iter_7.safetensors", given))
    assert (found.config, found.iteration, found.seed, found.rank, found.precision, found.scale, found.said) == (
        ("a = 1", 7, 3, 1, "bf16-mixed", 2.0, "x")
    )
    assert found.values == {"loss": "nan"} and torch.equal(found.weights["w.a"], torch.ones(2))
    assert found.optimizer["param_groups"] == state["param_groups"]
    assert found.optimizer["state"][0]["m"] is None and found.optimizer["state"][0]["step"] == 3
    back = found.batch["data_samples"][0]
    assert torch.equal(back.gt_sem_seg, sample.gt_sem_seg) and back.gt_depth_map is None
    assert (back.meta["img_path"], back.meta["shape"], back.meta["f"], back.meta["o"]) == ("ä b.png", (2, 3), 2.0, None)
    assert found.batch["inputs"][0].dtype == torch.uint8 and found.batch["counted"] == [True]


@pytest.mark.parametrize("text", [{"step": {}}, {"replay": 1, "step": {"config": ""}}, {"replay": 1, "step": 4}, {}])
def test_other_files_are_refused(tmp_path: Path, text: dict[str, Any]) -> None:
    path = save_weights(tmp_path / "a.safetensors", {"x": Tensor([1])}, text)
    with pytest.raises(CheckpointError, match=r"is no step to replay|description of the step is damaged"):
        read_step(path)


def test_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(tmp_path / "replay_iter_1.safetensors")]) == 1
    assert "replay_iter_1.safetensors" in capsys.readouterr().err


def test_run_that_fails_and_its_replay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Inf as the weight of a class: the run and the replay name the same layer; without it the step is finite."""
    config = make_project(tmp_path)
    text = config.read_text() + "\nmodel['decode_head']['loss_decode'] = dict(type='CrossEntropyLoss', "
    config.write_text(text + "class_weight=[1.0, float('inf'), 1.0])\n")
    work = tmp_path / "run"
    assert main(["train", str(config), "--work-dir", str(work), "--accelerator", "cpu"]) == 1
    said = capsys.readouterr().err
    layer = "decode_head.loss_decode.0 (CrossEntropyLoss): 1 NaN of 1 values; its input is finite"
    assert "the loss is not finite at iteration 1" in said and layer in said
    assert "its class_weight is [1.0, inf, 1.0]" in said and said.count(".png") == 2
    file = str(work / "replay_iter_1.safetensors")
    assert f"segue replay {file}" in said
    assert main(["replay", file]) == 0
    again = capsys.readouterr().out
    assert layer in again and "The run said" not in again
    assert main(["replay", file, "--cfg-options", "model.decode_head.loss_decode.class_weight=None"]) == 0
    mended = capsys.readouterr().out
    assert "All values are finite.\n" in mended and "After the optimizer's step all weights are finite." in mended
