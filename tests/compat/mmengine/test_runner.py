"""mmengine's Runner: what a script hands it besides the config."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from segue.compat.mmengine.built_in_hooks import CheckpointHook, EMAHook, LoggerHook, ParamSchedulerHook
from segue.compat.mmengine.hooks import Hook
from segue.compat.mmengine.runner import Runner
from segue.errors import ConfigError
from tests.cli.project import make_project


class Counting(Hook):
    """Counts iterations."""

    def __init__(self) -> None:
        self.seen = 0

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        self.seen += 1


def runner_of(folder: Path) -> Runner:
    config = make_project(folder)
    config.write_text(config.read_text() + f"work_dir = {str(folder / 'work')!r}\n")
    return Runner.from_cfg(str(config))


def test_registered_hooks_are_done(tmp_path: Path) -> None:
    """Built-in ones as objects and as dicts beside one of the user's own: what each asks for has happened."""
    runner, counting = runner_of(tmp_path), Counting()
    runner.register_hook(CheckpointHook(3, False, save_last=False), priority="LOW")
    runner.register_hook(dict(type="EMAHook", momentum=0.1))
    runner.register_hook(counting)
    runner.register_hook(ParamSchedulerHook())
    runner.train()
    assert counting.seen == 4
    assert sorted(path.name for path in (tmp_path / "work").glob("iter_*.ckpt")) == ["iter_3.ckpt"]
    assert "EMAHook" in (tmp_path / "work/config.py").read_text()


@pytest.mark.parametrize(
    ("hook", "said"),
    [
        (LoggerHook(intervall=3), "custom_hooks.0.intervall: LoggerHook has no argument 'intervall'"),
        (EMAHook(momentum=5), "custom_hooks.0: momentum must lie in (0, 1), got 5"),
        (dict(type="CheckpointHook", interval="x"), "custom_hooks.0.interval"),
        (dict(type="EmptyCacheHook", x=1), "custom_hooks.0.x: EmptyCacheHook has no argument 'x'"),
    ],
)
def test_wrong_settings_are_refused(tmp_path: Path, hook: Any, said: str) -> None:
    runner = runner_of(tmp_path)
    runner.register_hook(hook)
    with pytest.raises(ConfigError) as caught:
        runner.train()
    assert said in str(caught.value)


def test_too_many_arguments() -> None:
    with pytest.raises(TypeError, match="LoggerHook takes 9 arguments, got 10"):
        LoggerHook(*range(10))
