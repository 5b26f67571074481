"""Loops of the user's own in ``train_cfg``. Oracle: one that changes nothing trains as Segue's, bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback

from segue.checkpoints import read
from segue.compat.mmengine.hand_loops import BaseLoop, EpochBasedTrainLoop, IterBasedTrainLoop
from segue.config.builder.register import registered
from segue.errors import ConfigError, InputError
from segue.training import Machine, train
from tests.training.small_run import config, lines, parts, run
from tests.training.test_resume import CASES, EPOCHS, StopAfter

SEEN: list[Any] = []


class SameIters(IterBasedTrainLoop):
    """Changes nothing."""


class SameEpochs(EpochBasedTrainLoop):
    """Changes nothing."""


class Written(IterBasedTrainLoop):
    """Its own ``run``, of mmengine's parts."""

    def run(self) -> Any:
        self.runner.call_hook("before_train")
        self.runner.call_hook("before_train_epoch")
        while self._iter < self._max_iters and not self.stop_training:
            self.runner.model.train()
            self.run_iter(next(self.dataloader_iterator))
            self._decide_current_val_interval()
            if self.runner.val_loop is not None and self._iter % self.val_interval == 0:
                SEEN.append(("val", self._iter, self.runner.val_loop.run()["mIoU"]))
        self.runner.call_hook("after_train_epoch")
        self.runner.call_hook("after_train")
        return self.runner.model


class Bare(BaseLoop):
    """Derives from nothing but the base, calls no hooks, and takes two batches for a step."""

    def __init__(self, runner: Any, dataloader: Any, max_iters: int, pairs: bool = True) -> None:
        super().__init__(runner, dataloader)
        self.max_iters, self.pairs, self.iter = max_iters, pairs, 0

    def endless(self) -> Iterator[Any]:
        while True:
            yield from self.dataloader

    def run(self) -> None:
        batches = self.endless() if self.pairs else iter(self.dataloader)
        while self.iter < self.max_iters:
            first, second = next(batches), next(batches)
            SEEN.append([sample.metainfo["img_path"] for sample in first["data_samples"] + second["data_samples"]])
            self.runner.call_hook("before_train_iter", batch_idx=self.iter, data_batch=first)
            for batch in (first, second):
                self.runner.model.train_step(batch, self.runner.optim_wrapper)
            outputs = {"loss": torch.tensor(float(self.iter)), "my_loss": 2.0}
            self.runner.call_hook("after_train_iter", batch_idx=self.iter, data_batch=first, outputs=outputs)
            self.iter += 1


class Points:
    """Notes the points of training."""

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any) -> None:
        SEEN.append(("before", batch_idx, runner.iter, runner.epoch))

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any, outputs: Any) -> None:
        SEEN.append(("after", batch_idx, runner.iter, sorted(outputs)))
        assert runner.train_loop.max_iters and runner.optim_wrapper.get_lr()["lr"]

    def __getattr__(self, name: str) -> Any:
        if not name.startswith(("before_", "after_")):
            raise AttributeError(name)
        return lambda runner, *args, **given: SEEN.append(name) if "train" in name else None


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    SEEN.clear()
    for cls in (SameIters, SameEpochs, Written, Bare, Points):
        monkeypatch.setitem(registered, cls.__name__, cls)


def own(cfg: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The config with a loop of one's own of the same kind."""
    kind = "SameEpochs" if "max_epochs" in cfg["train_cfg"] else "SameIters"
    return {**cfg, "train_cfg": {**cfg["train_cfg"], "type": kind, **changes}}


def state(folder: Path) -> dict[str, Any]:
    return dict(read(folder / "last.ckpt").state_dict)


def losses(folder: Path) -> list[dict[str, Any]]:
    return [{k: v for k, v in line.items() if "time" not in k} for line in lines(folder)]


@pytest.mark.parametrize("case", CASES)
def test_a_loop_that_changes_nothing_trains_as_segues(case: str, tmp_path: Path) -> None:
    cfg = config(**CASES[case])
    run(cfg, tmp_path / "house")
    run(own(cfg), tmp_path / "own")
    assert losses(tmp_path / "own") == losses(tmp_path / "house") != []
    first, second = state(tmp_path / "house"), state(tmp_path / "own")
    assert first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)
    written = sorted(path.name for path in (tmp_path / "own").iterdir() if path.suffix in (".ckpt", ".pth"))
    assert written == sorted(path.name for path in (tmp_path / "house").iterdir() if path.suffix in (".ckpt", ".pth"))


@pytest.mark.parametrize("case", ["iterations", "epochs", "accumulation"])
def test_an_interrupted_run_continues(case: str, tmp_path: Path) -> None:
    cfg = own(config(**CASES[case]))
    run(cfg, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(cfg, tmp_path / "parts", callbacks=[StopAfter(3)])
    run(cfg, tmp_path / "parts", resume=True)
    first, second = state(tmp_path / "whole"), state(tmp_path / "parts")
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")


def test_a_run_of_ones_own_calls_hooks_and_validates_when_it_wants(tmp_path: Path) -> None:
    train_cfg = {"type": "Written", "max_iters": 3, "val_interval": 2}
    cfg = config(train_cfg=train_cfg, custom_hooks=[{"type": "Points"}])
    result = run(cfg, tmp_path)
    values = ["decode.acc_seg", "decode.loss_ce", "loss"]
    inner = [("before", 1, 1, 0), ("after", 1, 1, values)]
    assert SEEN[:4] == ["before_train", "before_train_epoch", ("before", 0, 0, 0), ("after", 0, 0, values)]
    assert SEEN[4:6] == inner and SEEN[6][:2] == ("val", 2)
    assert SEEN[9:] == ["after_train_epoch", "after_train"]
    assert SEEN[6][2] == result.metrics["mIoU"] and result.iterations == 3
    assert [line["step"] for line in lines(tmp_path, "val")] == [2]


def test_an_iteration_is_what_the_loop_says(tmp_path: Path) -> None:
    """Two batches each: the schedule and the record count three iterations, and see the values that it gives."""
    cfg = config(train_cfg={"type": "Bare", "max_iters": 3}, custom_hooks=[{"type": "Points"}])
    cfg["default_hooks"] = {"logger": {"type": "LoggerHook", "interval": 1}}
    result = run(cfg, tmp_path)
    assert result.iterations == 3
    images = [name for seen in SEEN if isinstance(seen, list) for name in seen]
    assert len(images) == 3 * 2 * cfg["train_dataloader"]["batch_size"]
    found = [line for line in lines(tmp_path) if line["mode"] == "train"]
    assert [(line["step"], line["loss"], line["my_loss"]) for line in found] == [(1, 0, 2), (2, 1, 2), (3, 2, 2)]
    assert found[0]["lr"] != found[2]["lr"]
    assert "before_train" not in SEEN  # the loop does not call it


def test_the_end_of_an_epoch_is_no_end_of_training(tmp_path: Path) -> None:
    cfg = config(train_cfg={"type": "Bare", "max_iters": 3, "pairs": False})
    with pytest.raises(InputError, match=r"^Bare\.run: StopIteration: it asks for a batch after the last one"):
        run(cfg, tmp_path)


def test_early_stopping_ends_it(tmp_path: Path) -> None:
    cfg = own(config(), max_iters=8, val_interval=2)
    cfg["custom_hooks"] = [{"type": "EarlyStoppingHook", "monitor": "mIoU", "stopping_threshold": -1.0}]
    assert run(cfg, tmp_path).iterations == 2


def test_an_error_in_the_loop_is_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run_iter(self: Any, data_batch: Any) -> None:
        raise RuntimeError("mine")

    monkeypatch.setitem(registered, "Broken", type("Broken", (IterBasedTrainLoop,), {"run_iter": run_iter}))
    with pytest.raises(RuntimeError, match=r"^mine$"):
        run(config(train_cfg={"type": "Broken", "max_iters": 2}), tmp_path)


@pytest.mark.parametrize(
    ("train_cfg", "message"),
    [
        ({"type": "Bare"}, r"train_cfg\.max_iters: Bare: the schedule .* how long it trains; nothing is given"),
        ({"type": "SameEpochs", "max_epochs": 0}, r"train_cfg\.max_epochs: .*; got 0"),
        ({"type": "Bare", "max_iters": 2, "pears": 1}, r"Bare: .*unexpected keyword argument 'pears'"),
        ({"type": "Bear", "max_iters": 2}, r"there is no training loop 'Bear'"),
        ({"type": "Points", "max_iters": 2}, r"train_cfg\.type: .*Points.* is no training loop"),
    ],
)
def test_what_is_refused(train_cfg: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        run(config(train_cfg=train_cfg), tmp_path)


def test_several_processes_are_refused(tmp_path: Path) -> None:
    cfg = own(config())
    with pytest.raises(ConfigError, match="SameIters is a loop of your own, which trains in one process; 2 are asked"):
        train(cfg, work_dir=tmp_path, build=parts, machine=Machine(accelerator="cpu", devices=2))


def test_a_default_length_is_the_constructors(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Short(IterBasedTrainLoop):
        def __init__(self, *args: Any, max_iters: int = 2, **kwargs: Any) -> None:
            super().__init__(*args, max_iters=max_iters, **kwargs)

    monkeypatch.setitem(registered, "Short", Short)
    assert run(config(train_cfg={"type": "Short"}), tmp_path).iterations == 2


def test_a_callback_of_lightning_runs_around_it(tmp_path: Path) -> None:
    class Ends(Callback):
        def on_train_batch_end(self, trainer: Any, task: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
            SEEN.append(batch_idx)

    cfg = own(config(**EPOCHS), max_epochs=1)
    run(cfg, tmp_path, callbacks=[Ends()])
    assert SEEN == [0, 1, 2]
