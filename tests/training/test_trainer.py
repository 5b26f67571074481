"""Whole runs of a tiny model: what they write, when they validate and stop, what they say when something is wrong."""

from __future__ import annotations

import io
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback
from rich.console import Console
from small_run import Small, Squares, config, lines, parts, run
from torch import Tensor

from segue.checkpoints import read
from segue.errors import ConfigError, LabelError, SegueError
from segue.training.folder import work_folder
from segue.training.parts import Parts
from segue.training.plan import lr_scale
from segue.training.trainer import Machine, evaluate


def hooks(**checkpoint: Any) -> dict[str, Any]:
    base = {"type": "CheckpointHook", "by_epoch": False, "interval": 1}
    return {"logger": {"type": "LoggerHook", "interval": 1}, "checkpoint": {**base, **checkpoint}}


def test_files_of_a_run(tmp_path: Path) -> None:
    result = run(config(), tmp_path)
    best = f"best_mIoU_iter_{result.best['mIoU'][1]}.safetensors"
    files = {
        "iter_3.ckpt",
        "iter_6.ckpt",
        "last.ckpt",
        best,
        "config.py",
        "scalars.jsonl",
        ".segue-run.lock",
        "first_batches.png",
        "report.html",
        "report.json",
    }
    as_mmengine = {"iter_3.pth", "iter_6.pth", "last_checkpoint"}
    assert {p.name for p in tmp_path.iterdir() if p.is_file()} == files | as_mmengine
    assert result.checkpoint == tmp_path / best
    saved = read(tmp_path / best)
    assert saved.classes == ("road", "sky", "tree")
    assert saved.state_dict.keys() == Small().state_dict().keys()
    assert "IterBasedTrainLoop" in (saved.config or "")


def test_record_has_every_fact(tmp_path: Path) -> None:
    run(config(), tmp_path)
    found = [json.loads(text) for text in (tmp_path / "scalars.jsonl").read_text().splitlines()]
    assert [(line["mode"], line["step"]) for line in found] == [
        *(("train", 1), ("train", 2), ("train", 3), ("val", 3)),
        *(("train", 4), ("train", 5), ("train", 6), ("val", 6)),
    ]
    assert {"mode", "step", "epoch", "lr", "loss", "decode.loss_ce", "decode.acc_seg", "time", "data_time"} <= set(
        found[0]
    )
    assert {"mIoU", "aAcc", "mAcc", "IoU/road", "Acc/tree", "time"} <= set(found[3])
    assert found[0]["loss"] == found[0]["decode.loss_ce"]
    assert 0 <= found[0]["data_time"] <= found[0]["time"]


@pytest.mark.parametrize("metric", ["IoU/tree", "auto", ["mAcc", "IoU/sky"]])
def test_best_by_any_metric(metric: Any, tmp_path: Path) -> None:
    """Oracle: the largest value among the validations in the record, the earliest where several are equal."""
    loop = {"type": "IterBasedTrainLoop", "max_iters": 6, "val_interval": 1}
    result = run(config(default_hooks=hooks(save_best=metric), train_cfg=loop), tmp_path)
    names = ["aAcc"] if metric == "auto" else [metric] if isinstance(metric, str) else metric
    for name in names:
        values = [(line[name], line["step"]) for line in lines(tmp_path, "val")]
        value, step = max(values, key=lambda pair: (pair[0], -pair[1]))
        assert result.best[name] == (value, step)
        assert (tmp_path / f"best_{name.replace('/', '_')}_iter_{step}.safetensors").exists()
    assert len(list(tmp_path.glob("best_*"))) == len(names)


def test_misspelt_best_metric_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"save_best: the validation has no metric 'IoU/rod'; did you mean 'IoU/road'"
    ):
        run(config(default_hooks=hooks(save_best="IoU/rod")), tmp_path)


def test_only_the_last_checkpoints_are_kept(tmp_path: Path) -> None:
    run(config(default_hooks=hooks(max_keep_ckpts=2)), tmp_path)
    assert sorted(p.name for p in tmp_path.glob("*.ckpt")) == ["iter_5.ckpt", "iter_6.ckpt", "last.ckpt"]
    assert (tmp_path / "last.ckpt").samefile(tmp_path / "iter_6.ckpt")


def test_checkpoints_without_optimizer_are_weights(tmp_path: Path) -> None:
    run(config(default_hooks=hooks(save_optimizer=False, interval=3)), tmp_path)
    assert sorted(p.name for p in tmp_path.glob("iter*")) == [
        *("iter_3.pth", "iter_3.safetensors"),
        *("iter_6.pth", "iter_6.safetensors"),
    ]
    plain = read(tmp_path / "iter_6.pth")
    assert plain.format == "mmengine" and plain.classes == ("road", "sky", "tree")
    weights = read(tmp_path / "iter_6.safetensors").state_dict
    assert all(torch.equal(plain.state_dict[key], value) for key, value in weights.items())
    assert (tmp_path / "last.ckpt").exists()


def test_averaged_weights_are_the_model_that_is_saved_and_measured(tmp_path: Path) -> None:
    """Oracle: the average computed here from the weights after each iteration, and the metrics of that model."""
    seen: list[dict[str, Tensor]] = []

    class Watch(Callback):
        def on_train_batch_end(self, trainer: Any, pl_module: Any, *args: Any) -> None:
            seen.append({k: v.clone() for k, v in pl_module.model.named_parameters()})

    cfg = config(custom_hooks=[{"type": "EMAHook", "momentum": 0.25}], default_hooks=hooks(interval=6))
    result = run(cfg, tmp_path, callbacks=[Watch()])
    average = seen[0]
    for weights in seen[1:]:
        average = {k: v * 0.75 + weights[k] * 0.25 for k, v in average.items()}
    saved = read(tmp_path / "last.ckpt").state_dict
    for name, value in average.items():
        torch.testing.assert_close(saved[name], value, rtol=1e-6, atol=1e-7)
    loss = result.metrics.pop("loss")  # which a test does not have
    assert measured(tmp_path / "last.ckpt") == result.metrics
    assert 0 < loss < 3


def measured(checkpoint: Path) -> dict[str, float]:
    def build() -> Parts:
        model = Small()
        model.load_state_dict(read(checkpoint).state_dict)
        return parts(model)

    console = Console(file=io.StringIO())
    return evaluate(config(), None, build=build, console=console, machine=Machine(accelerator="cpu", devices=1))


def test_evaluation_equals_validation(tmp_path: Path) -> None:
    """Oracle: the metrics that training printed; here in batches of two and in another process state."""
    result = run(config(optim_wrapper={"type": "AmpOptimWrapper", "optimizer": {"type": "SGD", "lr": 0.1}}), tmp_path)
    loss = result.metrics.pop("loss")  # which a test does not have
    assert measured(tmp_path / "last.ckpt") == result.metrics
    assert 0 < loss < 3


def test_early_stopping(tmp_path: Path) -> None:
    loop = {"type": "IterBasedTrainLoop", "max_iters": 50, "val_interval": 2}
    stop = {"type": "EarlyStoppingHook", "monitor": "IoU/road", "min_delta": 200.0, "patience": 2}
    text = io.StringIO()
    result = run(config(train_cfg=loop, custom_hooks=[stop]), tmp_path, text=text)
    # the first value is compared with minus infinity, so it counts as the best
    assert result.iterations == 6
    assert "Stopping early after iteration 6: IoU/road has not improved on" in text.getvalue()


def test_validation_begins_when_told_to(tmp_path: Path) -> None:
    loop = {"type": "IterBasedTrainLoop", "max_iters": 7, "val_interval": 2, "val_begin": 4}
    run(config(train_cfg=loop), tmp_path)
    assert [line["step"] for line in lines(tmp_path, "val")] == [4, 6, 7]


def test_training_without_validation(tmp_path: Path) -> None:
    def build() -> Parts:
        return Parts(Small(), Squares())

    result = run(config(), tmp_path, build=build)
    assert result.metrics == {}
    assert result.checkpoint == tmp_path / "last.ckpt"


class Diverging(Small):
    def loss(self, x: Tensor, targets: Any) -> dict[str, Tensor]:
        return {"decode.loss_ce": super().loss(x, targets)["decode.loss_ce"] * float("nan")}


def test_loss_that_is_no_number_names_the_images(tmp_path: Path) -> None:
    with pytest.raises(SegueError) as caught:
        run(config(), tmp_path, build=lambda: parts(Diverging()))
    text = str(caught.value)
    assert text.startswith(
        "the loss is not finite at iteration 1 (loss=nan, decode.loss_ce=nan). The images of the batch:"
    )
    assert text.count("image_") == 2
    assert not (tmp_path / "last.ckpt").exists()


class Mislabeled(Squares):
    def __getitem__(self, index: int) -> dict[str, Any]:
        raise LabelError("mask_3.png: values [99] are outside 0..2")


@pytest.mark.parametrize("workers", [0, 2])
def test_errors_of_the_data_arrive_as_they_were_raised(workers: int, tmp_path: Path) -> None:
    loader = {"batch_size": 2, "num_workers": workers, "sampler": {"type": "InfiniteSampler"}}
    with pytest.raises(LabelError) as caught:
        run(config(train_dataloader=loader), tmp_path, build=lambda: Parts(Small(), Mislabeled()))
    assert str(caught.value) == "mask_3.png: values [99] are outside 0..2"


class PressCtrlC(Callback):
    """Sends the signal in the middle of an iteration."""

    def on_before_backward(self, trainer: Any, pl_module: Any, loss: Any) -> None:
        if pl_module.iteration == 2:
            os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_finishes_the_iteration_and_says_how_to_continue(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    text = io.StringIO()
    with pytest.raises(KeyboardInterrupt):
        run(config(), tmp_path, callbacks=[PressCtrlC()], text=text)
    assert signal.getsignal(signal.SIGINT) is before
    said = " ".join(text.getvalue().split())
    assert "Stopping after this iteration (Ctrl-C again: at once)" in said
    assert f"Stopped after iteration 2 of 6. To continue: segue train CONFIG --work-dir {tmp_path} --resume" in said
    assert read(tmp_path / "last.ckpt").meta["iter"] == 2
    assert run(config(), tmp_path, resume=True).iterations == 6


def test_all_problems_of_the_training_sections_come_together(tmp_path: Path) -> None:
    cfg = config(
        train_cfg={"type": "IterLoop", "max_iters": 3},
        optim_wrapper={"optimizer": {"type": "SGD", "lr": 1}, "clipgrad": 1},
        custom_hooks=[{"type": "MyHok"}],
        train_dataloader={"batch_size": 2, "samplr": {}},
    )
    with pytest.raises(ConfigError) as caught:
        run(cfg, tmp_path)
    assert len(caught.value.problems) == 4
    assert str(caught.value).startswith("4 problems in the config:")


def test_missing_sections_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="optim_wrapper: training needs this section"):
        run(config(optim_wrapper=None), tmp_path)


def test_custom_hook_by_import_path(tmp_path: Path) -> None:
    hook = {"type": "lightning.pytorch.callbacks.Timer", "duration": "00:00:01:00"}
    assert run(config(custom_hooks=[hook]), tmp_path).iterations == 6


def test_mmengine_hook_class_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"custom_hooks.0: .*hooks are Lightning callbacks"):
        run(config(custom_hooks=[{"type": io.StringIO}]), tmp_path)
    with pytest.raises(ConfigError, match=r"custom_hooks.0.type: 'io.StringIO' is of Python's standard library"):
        run(config(custom_hooks=[{"type": "io.StringIO"}]), tmp_path)


def test_auto_scale_lr() -> None:
    assert lr_scale({"auto_scale_lr": {"enable": True, "base_batch_size": 16}}, 4) == 0.25
    assert lr_scale({"auto_scale_lr": {"enable": False, "base_batch_size": 16}}, 4) == 1.0


def test_work_folder() -> None:
    assert work_folder({}, "there") == Path("there")
    assert work_folder({"work_dir": "here"}, None) == Path("here")
    assert work_folder({}, None) == Path("work_dirs/run")
