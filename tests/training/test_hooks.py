"""The hook table: every hook of published configs, and the messages for what is not in it."""

from __future__ import annotations

import pytest

from segue.compat.mmengine import built_in_hooks
from segue.config.builder.register import registered
from segue.errors import ConfigError
from segue.training.hooks import read_hooks

PUBLISHED = {
    "timer": {"type": "IterTimerHook"},
    "logger": {"type": "LoggerHook", "interval": 50, "log_metric_by_epoch": False},
    "param_scheduler": {"type": "ParamSchedulerHook"},
    "checkpoint": {"type": "CheckpointHook", "by_epoch": False, "interval": 4000, "save_best": "mIoU"},
    "sampler_seed": {"type": "DistSamplerSeedHook"},
    "visualization": {"type": "SegVisualizationHook", "draw": True, "interval": 1},
}


def test_published_hooks() -> None:
    hooks = read_hooks(PUBLISHED, [{"type": "mmengine.EMAHook", "momentum": 0.01, "priority": "ABOVE_NORMAL"}])
    assert hooks.logger.interval == 50
    assert hooks.checkpoint.interval == 4000
    assert hooks.checkpoint.best == ("mIoU",)
    assert hooks.ema is not None
    assert hooks.ema.momentum == 0.01


def test_rule_is_told_from_the_metric() -> None:
    hook = read_hooks({"c": {"type": "CheckpointHook", "save_best": ["IoU/road", "rmse", "loss"]}}, None).checkpoint
    assert [hook.greater(m) for m in hook.best] == [True, False, False]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("visualisation", None, "did you mean 'visualization'?"),
        ("saver", {"type": "SaverHook"}, "there is no hook 'SaverHook'"),
        ("saver", {}, "a dict(type='...') is expected"),
        ("saver", 5, "a dict(type='...') is expected"),
        ("saver", {"type": "os.system"}, "os.system"),
    ],
)
def test_other_names_of_default_hooks(name: str, value: object, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_hooks({name: value}, None)
    assert f"default_hooks.{name}" in str(caught.value)
    assert said in str(caught.value)


class EMAHook:
    """A class of the user's own by the name of mmengine's."""

    def before_train_iter(self, *given: object) -> None: ...

    def after_train_iter(self, *given: object) -> None: ...


def test_own_hooks_by_built_in_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """The class itself, and one that is registered; mmengine's own by either way is Segue's."""
    hooks = read_hooks(None, [{"type": EMAHook}])
    assert hooks.ema is None and hooks.custom[0].cls is EMAHook
    monkeypatch.setitem(registered, "CheckpointHook", EMAHook)
    hooks = read_hooks({"checkpoint": {"type": "CheckpointHook", "interval": 3}}, None)
    assert hooks.custom[0].cls is EMAHook and hooks.custom[0].arguments == {"interval": 3}
    assert read_hooks(None, [{"type": built_in_hooks.EMAHook, "momentum": 0.1}]).ema is not None


def test_hook_set_to_none_is_off() -> None:
    hook = read_hooks({"checkpoint": None}, None).checkpoint
    assert (hook.interval, hook.save_last) == (-1, False)


def test_all_bad_hooks_are_reported_together() -> None:
    defaults = {"checkpoint": {"type": "CheckpointHok"}, "logger": {"type": "LoggerHook", "intervall": 5}}
    with pytest.raises(ConfigError) as caught:
        read_hooks(defaults, [{"type": "EMAHook", "momentum": 2}, {"type": "EarlyStoppingHook", "monitor": "speed"}])
    text = str(caught.value)
    assert "default_hooks.checkpoint: there is no hook 'CheckpointHok'; did you mean 'CheckpointHook'?" in text
    assert "default_hooks.logger.intervall: LoggerHook has no argument 'intervall'; did you mean 'interval'?" in text
    assert "custom_hooks.0: momentum must lie in (0, 1), got 2" in text
    assert "custom_hooks.1: whether more or less 'speed' is better cannot be told from its name" in text
