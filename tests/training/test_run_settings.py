"""Small sections: what is wrong with them is found, what is not done is said, and what is usual says nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from segue.config.builder.register import registered
from segue.errors import ConfigError
from segue.training.run_settings import check_small_sections, read_visualizer, unused_settings

USUAL: dict[str, Any] = {
    "env_cfg": {
        "cudnn_benchmark": True,
        "mp_cfg": {"mp_start_method": "fork", "opencv_num_threads": 0},
        "dist_cfg": {"backend": "nccl"},
    },
    "log_processor": {"by_epoch": False},
    "randomness": {"seed": 3, "deterministic": True},
    "auto_scale_lr": {"enable": False, "base_batch_size": 16},
    "visualizer": {"type": "SegLocalVisualizer", "vis_backends": [{"type": "LocalVisBackend"}], "name": "visualizer"},
    "default_scope": "mmseg",
}


def test_what_configs_of_mmseg_have() -> None:
    check_small_sections(USUAL)
    assert list(unused_settings(USUAL)) == []


@pytest.mark.parametrize(
    ("cfg", "message"),
    [
        ({"env_cfg": {"mp_cfg": {"opencv_num_thread": 0}}}, "env_cfg.mp_cfg.opencv_num_thread: .*'opencv_num_threads'"),
        ({"env_cfg": {"cudnn_benchmark": "x"}}, "env_cfg.cudnn_benchmark: expected bool, not 'x'"),
        ({"env_cfg": {"resource_limit": "x"}}, "env_cfg.resource_limit: expected int, not 'x'"),
        ({"randomness": {"type": "Mine"}}, "randomness.type: this section makes nothing: it has no type"),
        ({"auto_scale_lr": {"enable": True}}, "enable=True needs base_batch_size"),
        ({"log_processor": {"custom_cfg": 5}}, "log_processor.custom_cfg: expected Sequence"),
        ({"visualizer": {"type": "SegLocalVisualiser"}}, r"visualizer\.type: .*did you mean 'SegLocalVisualizer'"),
        ({"visualizer": {"classes": 5}}, r"visualizer\.classes: expected Sequence\[str\], not 5"),
        ({"randomness": {"seef": 1}, "log_processor": {"x": 1}}, "2 problems in the config"),
    ],
)
def test_refused(cfg: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_small_sections(cfg)


@pytest.mark.parametrize(
    ("cfg", "key"),
    [
        ({"env_cfg": {"threads": 4}}, "env_cfg.threads"),
        ({"env_cfg": {"resource_limit": 8192}}, "env_cfg.resource_limit"),
        ({"env_cfg": {"dist_cfg": {"backend": "nccl", "port": 29500}}}, "env_cfg.dist_cfg.port"),
        ({"randomness": {"diff_rank_seed": True}}, "randomness.diff_rank_seed"),
        ({"log_processor": {"window_size": 50}}, "log_processor.window_size"),
        ({"log_processor": {"log_with_hierarchy": True}}, "log_processor.log_with_hierarchy"),
        ({"visualizer": {"classes": ["a"]}}, "visualizer.classes"),
        ({"default_scope": "mmdet"}, "default_scope"),
    ],
)
def test_said(cfg: dict[str, Any], key: str) -> None:
    check_small_sections(cfg)
    assert [name for name, _ in unused_settings(cfg)] == [key]


def test_a_visualizer_of_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registered, "Mine", object)
    assert read_visualizer({"type": "Mine", "anything": 1}) is None
    found = read_visualizer({"save_dir": Path("shown"), "alpha": 1})
    assert found is not None and found.save_dir == "shown"
