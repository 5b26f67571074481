"""A run that was interrupted and resumed is the run that was not. Oracle: the uninterrupted run, bit for bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback

from segue.checkpoints import read
from segue.errors import CheckpointError

from .small_run import config, lines, run

EPOCHS = {
    "train_dataloader": {"batch_size": 4, "num_workers": 0, "sampler": {"type": "DefaultSampler", "shuffle": True}},
    "train_cfg": {"type": "EpochBasedTrainLoop", "max_epochs": 3, "val_interval": 1},
    "param_scheduler": [
        {"type": "LinearLR", "start_factor": 0.1, "begin": 0, "end": 4, "by_epoch": False},
        {"type": "MultiStepLR", "milestones": [1, 2], "by_epoch": True},
    ],
    "default_hooks": {
        "logger": {"type": "LoggerHook", "interval": 2},
        "checkpoint": {"type": "CheckpointHook", "interval": 1},
    },
}
ACCUMULATE = {"type": "OptimWrapper", "optimizer": {"type": "AdamW", "lr": 0.01}, "accumulative_counts": 4}
EMA = [{"type": "EMAHook", "momentum": 0.2}]
CASES: dict[str, dict[str, Any]] = {
    "iterations": {},
    "epochs": EPOCHS,
    "accumulation": {"optim_wrapper": {**ACCUMULATE, "clip_grad": {"max_norm": 0.5}}},
    "ema": {"custom_hooks": EMA},
    "workers": {
        "train_dataloader": {
            "batch_size": 2,
            "num_workers": 2,
            "persistent_workers": True,
            "sampler": {"type": "InfiniteSampler"},
        }
    },
    "parts": {
        "optim_wrapper": {"type": "OptimWrapper", "optimizer": {"type": "AdamW", "lr": 0.01}},
        "param_scheduler": [
            {"type": "ConstantLR", "factor": 0.0, "begin": 0, "end": 3, "by_epoch": False, "parts": ["backbone"]},
            {"type": "LinearLR", "start_factor": 0.0, "begin": 2, "end": 6, "by_epoch": False, "parts": ["backbone"]},
            {
                "type": "LinearLR",
                "start_factor": 0.0,
                "begin": 0,
                "end": 3,
                "by_epoch": False,
                "parts": ["decode_head"],
            },
        ],
    },
    "cpu amp": {"optim_wrapper": {"type": "AmpOptimWrapper", "optimizer": {"type": "SGD", "lr": 0.1}}},
}


class StopAfter(Callback):
    """Presses Ctrl-C after an iteration."""

    def __init__(self, iteration: int) -> None:
        self.iteration = iteration

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if batch_idx + 1 == self.iteration:
            raise KeyboardInterrupt


def tensors(value: Any, path: str = "") -> dict[str, Any]:
    """All leaves of a checkpoint by path."""
    if isinstance(value, dict):
        return {k: v for key, item in value.items() for k, v in tensors(item, f"{path}/{key}").items()}
    if isinstance(value, (list, tuple)):
        return {k: v for key, item in enumerate(value) for k, v in tensors(item, f"{path}/{key}").items()}
    return {path: value}


def same(a: Path, b: Path) -> None:
    """Two full states hold equal weights, averages, optimizer states and rates."""
    wanted = ("state_dict", "trained_state_dict", "optimizer_states", "schedule")
    left, right = (tensors({k: read(p).raw.get(k) for k in wanted}) for p in (a, b))
    assert left.keys() == right.keys()
    for key, value in left.items():
        equal = torch.equal(value, right[key]) if isinstance(value, torch.Tensor) else value == right[key]
        assert equal, key


@pytest.mark.parametrize("at", [2, 3, 5])
@pytest.mark.parametrize("case", CASES)
def test_resumed_run_equals_the_uninterrupted(case: str, at: int, tmp_path: Path) -> None:
    cfg = config(**CASES[case])
    whole = run(cfg, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(cfg, tmp_path / "parts", callbacks=[StopAfter(at)])
    resumed = run(cfg, tmp_path / "parts", resume=True)
    assert lines(tmp_path / "parts") == lines(tmp_path / "whole")
    assert lines(tmp_path / "parts", "val") == lines(tmp_path / "whole", "val")
    same(tmp_path / "parts" / "last.ckpt", tmp_path / "whole" / "last.ckpt")
    assert resumed.metrics == whole.metrics
    assert resumed.best == whole.best


def test_workers_do_not_change_the_run(tmp_path: Path) -> None:
    run(config(), tmp_path / "none")
    run(config(**CASES["workers"]), tmp_path / "two")
    assert lines(tmp_path / "none") == lines(tmp_path / "two")


def test_killed_run_resumes_from_its_last_checkpoint(tmp_path: Path) -> None:
    """A kill leaves iteration 3's checkpoint and a record that runs on to iteration 5, its last line cut off."""
    whole = tmp_path / "whole"
    run(config(), whole)
    killed = tmp_path / "killed"
    with pytest.raises(KeyboardInterrupt):
        run(config(), killed, callbacks=[StopAfter(5)])
    (killed / "last.ckpt").unlink()
    text = (killed / "scalars.jsonl").read_text()
    (killed / "scalars.jsonl").write_text(text + '{"mode": "train", "step": 6, "lo')
    run(config(), killed, resume=killed / "iter_3.ckpt")
    assert lines(killed) == lines(whole)
    same(killed / "last.ckpt", whole / "last.ckpt")


@pytest.mark.parametrize("finished", [0, 1])
def test_validation_that_was_cut_off_runs_after_resuming(tmp_path: Path, finished: int) -> None:
    """All of it, also where the checkpoint remembers that one before it went through all images."""

    class StopInValidation(Callback):
        ended = 0

        def on_validation_end(self, *args: Any) -> None:
            self.ended += 1

        def on_validation_batch_end(self, *args: Any) -> None:
            if self.ended == finished:
                raise KeyboardInterrupt

    cfg = config(custom_hooks=EMA)
    run(cfg, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(cfg, tmp_path / "cut", callbacks=[StopInValidation()])
    assert len(lines(tmp_path / "cut", "val")) == finished
    run(cfg, tmp_path / "cut", resume=True)
    assert lines(tmp_path / "cut", "val") == lines(tmp_path / "whole", "val")
    same(tmp_path / "cut" / "last.ckpt", tmp_path / "whole" / "last.ckpt")


def test_resuming_a_finished_run_trains_nothing(tmp_path: Path) -> None:
    run(config(), tmp_path)
    before = (tmp_path / "scalars.jsonl").read_text()
    result = run(config(), tmp_path, resume=True)
    assert result.iterations == 6
    assert (tmp_path / "scalars.jsonl").read_text() == before


def test_finished_run_goes_on_when_the_config_has_become_longer(tmp_path: Path) -> None:
    """Its last checkpoint says that its last batch was the last."""
    run(config(), tmp_path / "whole")
    shorter = {"train_cfg": {**config()["train_cfg"], "max_iters": 3}}
    run(config(**shorter), tmp_path / "parts")
    assert run(config(), tmp_path / "parts", resume=True).iterations == 6
    assert lines(tmp_path / "parts") == lines(tmp_path / "whole")
    same(tmp_path / "parts" / "last.ckpt", tmp_path / "whole" / "last.ckpt")


def test_resume_without_a_checkpoint_starts_at_the_beginning(tmp_path: Path) -> None:
    assert run(config(), tmp_path, resume=True).iterations == 6


def test_weights_only_cannot_be_resumed(tmp_path: Path) -> None:
    result = run(config(), tmp_path)
    with pytest.raises(CheckpointError, match=r"cannot be resumed from: it has no loops, .*load_from"):
        run(config(), tmp_path / "other", resume=result.checkpoint)


def test_new_run_in_the_same_folder_keeps_the_old_record(tmp_path: Path) -> None:
    run(config(), tmp_path)
    run(config(), tmp_path)
    old = [json.loads(text) for text in (tmp_path / "scalars.1.jsonl").read_text().splitlines()]
    assert len(old) == len(lines(tmp_path)) + len(lines(tmp_path, "val"))
