"""What training does not do is said before the first step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from segue.cli import main
from segue.config.builder.register import aside
from segue.errors import ConfigError
from segue.training.accepted_hooks import ACCEPTED
from segue.training.hooks import read_hooks
from segue.training.ignored import ignored
from tests.cli.project import make_project


@pytest.mark.parametrize(
    ("cfg", "said"),
    [
        ({"custom_hooks": [{"type": "NPUProfilerHook"}]}, "custom_hooks.0: NPUProfilerHook: nothing is profiled"),
        (
            {"custom_hooks": [{"type": "PrepareTTAHook", "tta_cfg": {}}]},
            "custom_hooks.0: PrepareTTAHook: segue test",
        ),
        ({"custom_hooks": [{"type": "EMAHook", "device": "cpu"}]}, "custom_hooks.0.device: the average is kept where"),
        ({"default_hooks": {"logger": {"type": "LoggerHook", "out_dir": "x"}}}, "default_hooks.logger.out_dir"),
        ({"log_processor": {"custom_cfg": [{"data_src": "loss"}]}}, "log_processor.custom_cfg"),
        ({"log_level": "DEBUG"}, "log_level"),
        (
            {"model": {"decode_head": {"loss_decode": [{"type": "DiceLoss", "loss_name": "dice"}]}}},
            "model.decode_head.loss_decode.0.loss_name: 'dice' is logged and not trained",
        ),
        ({"default_hooks": {"logger": None}}, "default_hooks.logger: None: the log is always written"),
        (
            {"default_hooks": {"saver": None}},
            "default_hooks.saver: None: Segue has no default hook of this name to switch off; it has runtime_info, ti",
        ),
        ({"default_hooks": {"param_scheduler": None}}, "default_hooks.param_scheduler: None: the schedule always runs"),
        (
            {"default_hooks": {"checkpoint": {"type": "MySaver"}}},
            "default_hooks.checkpoint: MySaver runs, and does not take the place of Segue's own",
        ),
        ({"launcher": "pytorch"}, "launcher: --launcher says who starts"),
        ({"runner_type": "Mine"}, "runner_type"),
        ({"optim_wrapper": {"use_fsdp": True}}, "optim_wrapper.use_fsdp: --strategy fsdp"),
        ({"env_cfg": {"dist_cfg": {"backend": "gloo"}}}, "env_cfg.dist_cfg.backend"),
    ],
)
def test_a_line_each(cfg: dict[str, Any], said: str) -> None:
    (line,) = ignored(cfg)
    assert line.startswith(f"ignored: {said}")


def test_own_classes_without_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop, a schedule and a wrapper of the project's own, by names that Segue has."""

    class PolyLR:
        pass

    monkeypatch.setitem(aside, "IterBasedTrainLoop", object)
    cfg = {
        "train_cfg": {"type": "IterBasedTrainLoop"},
        "val_cfg": {"type": "ValLoop"},
        "param_scheduler": [{"type": "PolyLR"}, {"type": PolyLR}],
    }
    lines = ignored(cfg)
    assert [line.split(":")[1].strip() for line in lines] == ["train_cfg.type", "param_scheduler.1.type"]
    assert "the project's class of that name is not called" in lines[0]


@pytest.mark.parametrize(
    "cfg",
    [
        {"visualizer": {"type": "SegLocalVisualizer", "vis_backends": [{"type": "LocalVisBackend"}], "name": "v"}},
        {"default_hooks": {"visualization": {"type": "SegVisualizationHook"}, "timer": {"type": "IterTimerHook"}}},
        {"default_hooks": {"checkpoint": {"type": "CheckpointHook", "interval": 2, "filename_tmpl": None}}},
        {"default_hooks": {"checkpoint": None, "visualization": None, "sampler_seed": None, "extra": {"type": "Mine"}}},
        {"log_processor": {"by_epoch": False}, "log_level": "INFO", "launcher": "none"},
        {"env_cfg": {"dist_cfg": {"backend": "nccl"}, "cudnn_benchmark": True}},
    ],
)
def test_what_is_done_or_asks_for_nothing(cfg: dict[str, Any]) -> None:
    assert ignored(cfg) == []


@pytest.mark.parametrize("name", [name for name, hook in ACCEPTED.items() if hook.arguments is not None])
def test_arguments_of_accepted_hooks(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"custom_hooks\.0\.intervall: {name} has no argument 'intervall'"):
        read_hooks({}, [{"type": name, "intervall": 3}])
    known = dict.fromkeys(ACCEPTED[name].arguments or ())
    assert read_hooks({}, [{"type": name, "priority": "LOW", **known}]).custom == ()


def test_before_the_first_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = make_project(tmp_path)
    config.write_text(f"{config.read_text()}\nlog_level = 'DEBUG'\n")
    assert main(["train", str(config), "--work-dir", str(tmp_path / "work"), "--accelerator", "cpu"]) == 0
    said = capsys.readouterr().out
    assert said.index("ignored: log_level") < said.index("loss")
