"""Hooks with mmengine's points as a callback: which points, in which order, with which counters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from segue.config.builder.register import registered
from segue.errors import ConfigError
from segue.training.hook_callback import rank_of
from segue.training.hooks import read_hooks
from tests.training.small_run import config, run

SEEN: list[str] = []


class Points:
    """Notes every call; stands for a class derived from mmengine's Hook."""

    priority = "NORMAL"

    def __init__(self, name: str = "") -> None:
        self.name = name

    def __getattr__(self, point: str) -> Any:
        if not point.startswith(("before_", "after_")):
            raise AttributeError(point)
        return lambda runner, *args: SEEN.append(f"{self.name}{point} {runner.iter} {runner.epoch}")

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any) -> None:
        SEEN.append(f"{self.name}before_train_iter {batch_idx}")

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any, outputs: Any) -> None:
        SEEN.append(f"{self.name}after_train_iter {batch_idx} {runner.iter} {sorted(outputs)}")
        assert runner.optim_wrapper.get_lr()["lr"] == [group["lr"] for group in runner.optim_wrapper.param_groups]
        assert runner.model.training and runner.max_iters and runner.cfg["optim_wrapper"]

    def after_val_epoch(self, runner: Any, metrics: dict[str, float]) -> None:
        SEEN.append(f"{self.name}after_val_epoch {'mIoU' in metrics}")

    def before_save_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:
        checkpoint["note"] = 7


@pytest.fixture(autouse=True)
def names() -> Any:
    SEEN.clear()
    registered["Points"] = Points
    yield
    del registered["Points"]


def test_points_of_an_iteration_based_run(tmp_path: Path) -> None:
    """The order is mmengine's: ``iter`` counts up after the hooks of an iteration."""
    cfg = config(custom_hooks=[{"type": "Points"}], train_cfg={"type": "IterBasedTrainLoop", "max_iters": 2})
    cfg["train_cfg"]["val_interval"] = 2
    run(cfg, tmp_path)
    inner = [line for line in SEEN if "_val_iter" not in line]
    values = "['decode.acc_seg', 'decode.loss_ce', 'loss']"
    assert inner == [
        "before_run 0 0",
        "before_train 0 0",
        "before_train_epoch 0 0",
        "before_train_iter 0",
        f"after_train_iter 0 0 {values}",
        "before_train_iter 1",
        f"after_train_iter 1 1 {values}",
        "before_val 2 0",
        "before_val_epoch 2 0",
        "after_val_epoch True",
        "after_val 2 0",
        "after_train_epoch 2 0",
        "after_train 2 0",
        "after_run 2 0",
    ]
    assert len(SEEN) - len(inner) == 8  # four images, before and after


def test_points_of_an_epoch_based_run(tmp_path: Path) -> None:
    """Ten images in batches of two: an epoch is five iterations."""
    cfg = config(custom_hooks=[{"type": "Points"}], train_cfg={"type": "EpochBasedTrainLoop", "max_epochs": 2})
    cfg["train_dataloader"]["sampler"] = {"type": "DefaultSampler"}
    cfg["default_hooks"] = {}
    run(cfg, tmp_path)
    epochs = [line for line in SEEN if "_train_epoch" in line]
    assert epochs == [
        "before_train_epoch 0 0",
        "after_train_epoch 5 1",
        "before_train_epoch 5 1",
        "after_train_epoch 10 2",
    ]


def test_priorities_order_hooks(tmp_path: Path) -> None:
    hooks = [
        {"type": "Points", "name": "c "},
        {"type": "Points", "name": "d ", "priority": "VERY_LOW"},
        {"type": "Points", "name": "a ", "priority": 10},
        {"type": "Points", "name": "b ", "priority": "ABOVE_NORMAL"},
    ]
    run(config(custom_hooks=hooks, train_cfg={"type": "IterBasedTrainLoop", "max_iters": 1}), tmp_path)
    assert [line[0] for line in SEEN if "before_run" in line] == ["a", "b", "c", "d"]
    assert (rank_of("LOWEST"), rank_of(None), rank_of(3)) == (100, 50, 3)


def test_hooks_may_add_to_the_checkpoint(tmp_path: Path) -> None:
    from segue.checkpoints import read

    run(config(custom_hooks=[{"type": "Points"}], train_cfg={"type": "IterBasedTrainLoop", "max_iters": 1}), tmp_path)
    assert read(tmp_path / "last.ckpt").raw["note"] == 7


def test_an_unknown_hook_is_still_an_error() -> None:
    with pytest.raises(ConfigError, match="there is no hook 'Point'"):
        read_hooks({}, [{"type": "Point"}])
