"""Every hook of mmengine and mmseg with every argument, and what saving and stopping do (tools/record_hooks.py)."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from segue.errors import ConfigError
from segue.training.accepted_hooks import ACCEPTED
from segue.training.hooks import AVERAGES, TRANSLATED, read_hooks
from segue.training.ignored import ARGUMENTS
from segue.training.interruption import StopRequest
from segue.training.loops import read_train_loop
from segue.training.saving import Saver
from segue.training.stopping import EarlyStopping

RECORDED = json.loads((Path(__file__).parents[1] / "data" / "hooks.json").read_text())
#: Arguments that have an effect in training or testing, by hook. What is not here has a line of its own.
DONE = {
    "CheckpointHook": "interval by_epoch save_optimizer out_dir max_keep_ckpts save_last save_best rule greater_keys "
    "less_keys published_keys save_begin",
    "EMAHook": "ema_type begin_iter begin_epoch",
    "EarlyStoppingHook": "monitor rule min_delta check_finite patience stopping_threshold strict",
    "EmptyCacheHook": "before_epoch after_epoch after_iter",
    "LoggerHook": "interval",
    "NaiveVisualizationHook": "interval draw_gt draw_pred",
    "SegVisualizationHook": "draw interval show wait_time",
    "ProfilerHook": "by_epoch profile_times activity_with_cpu activity_with_cuda schedule on_trace_ready record_shapes "
    "profile_memory with_stack with_flops json_trace_path",
}
#: No effect and no line: there is nothing else that they could mean here.
MEANINGLESS = {
    "SegVisualizationHook": "backend_args",  # mmseg 1.x reads images itself by it
    "LoggerHook": "ignore_last keep_local out_suffix log_metric_by_epoch",  # see docs/training.md
}


def test_every_hook_and_argument_has_its_place() -> None:
    """Oracle: the constructors of mmengine 0.10.7."""
    for name, arguments in RECORDED["hooks"].items():
        if name == "Hook":
            continue
        if name in ACCEPTED:
            known = ACCEPTED[name].arguments
            assert known is None or set(arguments) <= set(known), name
            continue
        have = {f.name for f in fields(TRANSLATED[name][1])}
        said = {*ARGUMENTS.get(name, {}), *DONE.get(name, "").split(), *MEANINGLESS.get(name, "").split()}
        assert set(arguments) <= have, name
        assert set(arguments) <= said, (name, set(arguments) - said)
        assert not set(DONE.get(name, "").split()) & set(ARGUMENTS.get(name, {})), name


def test_defaults_are_mmengines() -> None:
    others = {("LoggerHook", "out_suffix")}  # which files are copied elsewhere, which none is
    for name, arguments in RECORDED["hooks"].items():
        if name not in TRANSLATED:
            continue
        own = {f.name: f.default for f in fields(TRANSLATED[name][1])}
        for argument, default in arguments.items():
            if default != "required" and (name, argument) not in others:
                assert repr(own[argument]) == default, (name, argument)


def test_averages_take_what_mmengines_do() -> None:
    assert set(AVERAGES) == set(RECORDED["averages"])
    for kind, arguments in RECORDED["averages"].items():
        given = {"interval": 2, "update_buffers": True, "momentum": 0.1, "gamma": 5}
        for name, value in given.items():
            node = {"type": "EMAHook", "ema_type": kind, name: value}
            if name in arguments:
                assert getattr(read_hooks(None, [node]).ema, name) == value
            else:
                with pytest.raises(ConfigError, match=f"{kind} has no argument '{name}'"):
                    read_hooks(None, [node])


@pytest.mark.parametrize("case", RECORDED["saved"], ids=str)
def test_the_same_checkpoints_are_left(case: dict[str, Any], tmp_path: Path) -> None:
    """Oracle: what mmengine's run of 12 iterations, or of four epochs of three, leaves.

    What it calls ``epoch_1`` after the only epoch of training by iterations is here the iteration's.
    """
    node = (
        {"type": "EpochBasedTrainLoop", "max_epochs": 4} if case["by_epoch"] else {"by_epoch": False, "max_iters": 12}
    )
    hook = read_hooks({"checkpoint": {"type": "CheckpointHook", **case["hook"]}}, None).checkpoint
    loop = read_train_loop(node, 3)
    saver = Saver(tmp_path, hook, loop, StopRequest(print), lambda *given: None)
    task = SimpleNamespace(notes={}, deployable=dict)
    trainer: Any = SimpleNamespace(is_global_zero=True, save_checkpoint=lambda path: Path(path).write_bytes(b""))
    for iteration in range(1, 13):
        if saver.due(iteration):
            saver.write(trainer, task, iteration)
    left = sorted(path.stem for path in tmp_path.glob("*.pth"))
    assert left == sorted(name if case["by_epoch"] else name.replace("epoch_1", "iter_12") for name in case["files"])


@pytest.mark.parametrize("case", RECORDED["best"], ids=str)
def test_the_same_weights_are_the_best(case: dict[str, Any], tmp_path: Path) -> None:
    """Oracle: the files of mmengine's run with these values in its four validations."""
    hook = read_hooks({"checkpoint": {"type": "CheckpointHook", **case["hook"]}}, None).checkpoint
    loop = read_train_loop({"by_epoch": False, "max_iters": 12}, 3)
    saver = Saver(tmp_path, hook, loop, StopRequest(print), lambda path, *given: path.write_bytes(b""))
    trainer: Any = SimpleNamespace(
        is_global_zero=True, sanity_checking=False, state=SimpleNamespace(fn="fit"), world_size=1
    )
    for index, value in enumerate(case["values"]):
        task = SimpleNamespace(
            iteration=3 * index + 3, metrics={"mIoU": value, "err": value}, notes={}, deployable=dict, logged=dict
        )
        saver.on_validation_end(trainer, task)
    assert sorted(path.stem for path in tmp_path.glob("best_*")) == case["files"]


@pytest.mark.parametrize("case", RECORDED["stopped"], ids=str)
def test_it_stops_after_the_same_validation(case: dict[str, Any]) -> None:
    """Oracle: mmengine's hook, given the same values."""
    hook = read_hooks(None, [{"type": "EarlyStoppingHook", **case["hook"]}]).early_stopping
    assert hook is not None
    judge = EarlyStopping(hook, print)
    reasons = [judge.judge(float(value)) for value in case["values"]]
    stops = [count for count, reason in enumerate(reasons, 1) if reason]
    assert (stops[0] if stops else None) == case["after"]


@pytest.mark.parametrize(
    ("node", "said"),
    [
        ({"type": "EMAHook", "begin_iter": 1, "begin_epoch": 1}, "begin_iter and begin_epoch cannot both be given"),
        ({"type": "EMAHook", "interval": 0}, "interval must be at least 1, got 0"),
        ({"type": "EMAHook", "ema_type": "MomentumAnnealingEMA", "gamma": 0}, "gamma must be at least 1, got 0"),
        ({"type": "EMAHook", "priority": "HIHG"}, r"custom_hooks.0.priority: .*, got 'HIHG'; did you mean 'HIGH'"),
        ({"type": "EmptyCacheHook", "priority": 101}, "priority must be a number from 0 to 100"),
        ({"type": "ProfilerHook", "schedule": {"wait": 1}}, "schedule needs wait, warmup and active"),
        (
            {"type": "ProfilerHook", "on_trace_ready": {"type": "log"}},
            "type must be one of log_trace, tb_trace, got 'log'",
        ),
        ({"type": "ProfilerHook", "on_trace_ready": {"type": "tb_trace", "dir": 1}}, "no argument 'dir'; did you mean"),
        ({"type": "ProfilerHook", "profile_times": 0}, "profile_times must be at least 1, got 0"),
        (
            {"type": "CheckpointHook", "published_keys": ["state_dict", "optimizer"]},
            "not 'optimizer'; optimizers and sch",
        ),
        ({"type": "CheckpointHook", "published_keys": "meta"}, "would publish no weights"),
    ],
)
def test_refused(node: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_hooks(None, [node])
