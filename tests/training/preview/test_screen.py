"""The screen before the first step, and that it leaves no trace in the run."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from small_run import Small, config, lines, parts, run
from torch import Tensor, nn

from segue.checkpoints import read
from segue.cli import main
from segue.training.preview.measured import measure, untouched
from segue.training.preview.screen import Preview, _batch
from tests.cli.project import make_project


def test_run_is_the_one_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dropout, batch statistics, momentum and augmentation: bit by bit. Oracle: the run that shows nothing."""
    text = io.StringIO()
    run(config(), tmp_path / "with", text=text)
    assert "kept for the backward pass" in text.getvalue()
    monkeypatch.setattr(Preview, "on_train_start", lambda *_: None)
    run(config(), tmp_path / "without")
    assert not (tmp_path / "without" / "first_batches.png").exists()
    assert lines(tmp_path / "with") == lines(tmp_path / "without")
    found, expected = (read(tmp_path / name / "last.ckpt") for name in ("with", "without"))
    assert all(torch.equal(found.state_dict[key], value) for key, value in expected.state_dict.items())


class Counting(nn.Module):
    """Changes all that a step can change."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))
        self.register_buffer("seen", torch.zeros(1))
        self.register_buffer("last", torch.zeros(1))
        self.count, self.past, self.draw = 0, [1], np.random.default_rng(0)

    def own_losses(self, batch: Any) -> tuple[Tensor, dict[str, Tensor]]:
        self.count += 1
        self.past.append(2)
        self.new = torch.ones(1)
        self.seen += 1
        self.last = torch.rand(1)
        with torch.no_grad():
            self.weight.mul_(0.5)
        loss = (self.weight * self.draw.random()).sum()
        return loss, {"loss": loss}


def test_model_is_left_as_it_was() -> None:
    model, batch = Counting().eval(), {"inputs": [torch.zeros(3, 4, 5)], "data_samples": []}
    model.weight.grad = torch.full((3,), 7.0)
    last, state = model.last, torch.get_rng_state()
    found = measure(model, batch, torch.device("cpu"), lambda: untouched(nn.Identity(), torch.device("cpu")))
    assert (found.images, found.pixels) == (1, 20) and found.peak is None
    assert (model.count, model.past, model.training) == (0, [1], False) and not hasattr(model, "new")
    assert torch.equal(model.weight, torch.ones(3)) and torch.equal(model.weight.grad, torch.full((3,), 7.0))
    assert model.last is last and model.seen == 0 and torch.equal(state, torch.get_rng_state())
    assert model.draw.random() == np.random.default_rng(0).random()


def test_dry_run_stops_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, work = make_project(tmp_path), tmp_path / "a b ü"
    options = ["--cfg-options", "auto_scale_lr.base_batch_size=16", "default_hooks.timer.type=IterTimerHook"]
    command = ["train", str(file), "--work-dir", str(work), "--accelerator", "cpu", "--dry-run", *options]
    assert main(command) == 0
    said = capsys.readouterr().out
    for line in (
        "batch: 2 images for each step of the optimizer (2 a process)",
        "although it was chosen for 16 images a step; optim_wrapper.accumulative_counts=8 keeps them",
        "data: 8 images to train on, 8 to validate",
        "(8 of 8 masks, evenly spread)",
        "weights: random",
        " trained, 0 frozen",
        "s to compute",
        "for 4 iterations, validations not counted",
    ):
        assert line in said, line
    assert "Iter(train)" not in said
    assert {path.name for path in work.iterdir()} == {"first_batches.png", ".segue-run.lock"}
    assert np.asarray(Image.open(work / "first_batches.png")).std() > 10


def test_dry_run_leaves_another_run_alone(tmp_path: Path) -> None:
    run(config(), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.suffix in (".jsonl", ".ckpt", ".py")}
    text = io.StringIO()
    result = run(config(), tmp_path, text=text, dry_run=True)
    assert result.checkpoint is None and "overwrites" not in text.getvalue()
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    assert json.loads((tmp_path / "scalars.jsonl").read_text().splitlines()[-1])["step"] == 6


def test_resumed_run_shows_the_short_form(tmp_path: Path) -> None:
    run(config(), tmp_path)
    longer = config(train_cfg={"type": "IterBasedTrainLoop", "max_iters": 7, "val_interval": 3})
    text = io.StringIO()
    run(longer, tmp_path, resume=True, text=text)
    assert "batch: 2 images" in text.getvalue() and "kept for the backward pass" not in text.getvalue()


def test_model_that_cannot_be_measured_still_trains(tmp_path: Path) -> None:
    class Once(Small):
        calls = 0

        def loss(self, x: Tensor, targets: Any) -> dict[str, Tensor]:
            type(self).calls += 1
            if self.calls == 1:
                raise ValueError("not yet")
            return super().loss(x, targets)

    text = io.StringIO()
    assert run(config(), tmp_path, build=lambda: parts(Once()), text=text).iterations == 6
    assert "step: not measured: ValueError: not yet" in text.getvalue()


@pytest.mark.parametrize(
    ("scale", "world", "counts", "expected"),
    [
        ({"enable": True, "base_batch_size": 16}, 2, 1, "scaled by 4/16: auto_scale_lr is enabled"),
        ({"enable": False, "base_batch_size": 4}, 2, 1, "as the config says, which was chosen for 4 images"),
        ({"base_batch_size": 8}, 1, 2, "accumulative_counts=4 keeps them, and takes 4 times as many iterations"),
        ({"base_batch_size": 7}, 1, 1, "chosen for 7 images a step; auto_scale_lr.enable=True scales it"),
        (None, 1, 1, "it names no batch that it was chosen for (auto_scale_lr)"),
    ],
)
def test_rule_of_the_learning_rate(scale: Any, world: int, counts: int, expected: str) -> None:
    rows = dict(_batch({"auto_scale_lr": scale}, 2, world, counts))
    assert expected in rows["learning rate"]
    assert rows["batch"].startswith(f"{2 * world * counts} images for each step of the optimizer (2 a process")
