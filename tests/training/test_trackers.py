"""Trackers: what they write, and what they say where a package or an argument is not there."""

from __future__ import annotations

import json
import os
import sys
import types
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from segue.errors import ConfigError
from segue.training.backends import BACKENDS, check_backends, make_backends, picture_folder
from segue.training.services import MLflowVisBackend, WandbVisBackend
from segue.training.trackers import LocalVisBackend, TensorboardVisBackend, TrackerError, as_number
from tests.training.test_event_file import values

PICTURE = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)


def test_local_pictures_and_lines(tmp_path: Path) -> None:
    backend = LocalVisBackend(str(tmp_path))
    backend.add_image("val/first", PICTURE, 3)
    backend.add_scalars({"loss": torch.tensor(0.5), "what": "text"}, 7)
    backend.add_scalar("lr", 0.25, 8)
    backend.add_config({"a": 1})
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "vis_image/val/first_3.png"))[..., ::-1], PICTURE)
    lines = [json.loads(line) for line in (tmp_path / "scalars.json").read_text().splitlines()]
    assert lines == [{"loss": 0.5, "what": "text", "step": 7}, {"lr": 0.25, "step": 8}]
    assert json.loads((tmp_path / "config.py").read_text()) == {"a": 1}


def test_event_files(tmp_path: Path) -> None:
    backend = TensorboardVisBackend(str(tmp_path))
    backend.add_scalars({"mIoU": np.float64(50), "text": "no number"}, 2)
    backend.add_image("val_a", PICTURE, 2)
    path = backend.experiment.path
    backend.close()
    assert [(step, tag) for step, tag, _ in values(path)] == [(2, "mIoU"), (2, "val_a")]


@pytest.mark.parametrize(
    ("value", "number"),
    [(1, 1.0), (torch.tensor([2.0]), 2.0), (np.float32(3), 3.0), ("4", None), (torch.ones(2), None), (None, None)],
)
def test_what_is_a_number(value: Any, number: float | None) -> None:
    assert as_number(value) == number


class Noted:
    """A service that notes every call."""

    def __init__(self, calls: list[Any], name: str = "") -> None:
        self.calls, self.name = calls, name

    def __getattr__(self, name: str) -> Noted:
        return Noted(self.calls, f"{self.name}.{name}".strip("."))

    def __getitem__(self, key: str) -> Noted:
        return Noted(self.calls, f"{self.name}[{key}]")

    def __setitem__(self, key: str, value: Any) -> None:
        self.calls.append((f"{self.name}[{key}]", value))

    def __call__(self, *args: Any, **kwargs: Any) -> Noted:
        self.calls.append((self.name, *args, kwargs))
        return Noted(self.calls, self.name)


SERVICES = {
    "WandbVisBackend": ("wandb", "init.log", {"loss": 0.5, "step": 3}),
    "MLflowVisBackend": ("mlflow", "log_metrics", {"loss": 0.5}),
    "ClearMLVisBackend": ("clearml", "Task.init.get_logger.report_scalar", "loss"),
    "NeptuneVisBackend": ("neptune", "init_run[loss].append", 0.5),
    "DVCLiveVisBackend": ("dvclive", "Live.log_metric", "loss"),
    "AimVisBackend": ("aim", "Run.track", 0.5),
}


@pytest.mark.parametrize("name", SERVICES)
def test_services(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their packages are stood in for: which of their functions is called with what is what can be seen here."""
    package, function, first = SERVICES[name]
    calls: list[Any] = []
    for module in (package, f"{package}.types"):
        made = types.ModuleType(module)
        made.__getattr__ = Noted(calls).__getattr__  # type: ignore[method-assign]
        monkeypatch.setitem(sys.modules, module, made)
    (backend,) = make_backends({"vis_backends": [{"type": name}]}, tmp_path)
    assert calls == []
    backend.add_config({"model": {"type": "EncoderDecoder"}})
    backend.add_scalars({"loss": torch.tensor(0.5), "word": "x"}, 3)
    backend.add_image("val_a", PICTURE, 3)
    assert next(call[1] for call in calls if call[0] == function) == first
    assert any("word" in str(call) for call in calls) is False
    assert any("mage" in call[0] for call in calls), "a picture was sent"
    before = len(calls)
    backend.close()
    assert len(calls) > before


@pytest.mark.parametrize(
    ("uri", "asks"),
    [(None, True), ("runs/ml", True), ("file:///runs/ml", True), ("sqlite:///ml.db", False), ("http://here:1", False)],
)
def test_mlflow_is_told_that_a_folder_is_meant(
    uri: str | None, asks: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Releases of 2026 refuse a folder of files, which is the reference's default, unless they are told."""
    made = types.ModuleType("mlflow")
    made.__getattr__ = Noted([]).__getattr__  # type: ignore[method-assign]
    monkeypatch.setitem(sys.modules, "mlflow", made)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "")
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE")
    MLflowVisBackend(str(tmp_path), tracking_uri=uri).add_scalar("loss", 0.5)
    assert os.environ.get("MLFLOW_ALLOW_FILE_STORE") == ("true" if asks else None)


@pytest.mark.parametrize("cls", [WandbVisBackend, MLflowVisBackend])
def test_a_missing_package_is_named(cls: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(TrackerError, match=rf"^{cls.__name__} needs the package \w+: pip install \w+, or take it out"):
        cls(str(tmp_path)).add_scalar("loss", 1.0)


@pytest.mark.parametrize(
    ("cfg", "message"),
    [
        ({"vis_backends": [{"type": "TensorbordVisBackend"}]}, "vis_backends.0.type: .*did you mean 'TensorboardVis"),
        ({"vis_backends": [{"save_dir": "x"}]}, r"vis_backends.0: a dict\(type="),
        (
            {"visualizer": {"vis_backends": [{"type": "WandbVisBackend", "init_kwarg": {}}]}},
            "visualizer.vis_backends.0.init_kwarg: WandbVisBackend has no argument .*did you mean 'init_kwargs'",
        ),
        ({"visualizer": {"vis_backends": 5}}, "visualizer.vis_backends: a list is expected here, not 5"),
        ({"visualizer": {"vis_backends": {"type": "LocalVisBackend"}}}, "visualizer.vis_backends: a list is expected"),
        ({"visualizer": {"vis_backends": [5]}}, r"visualizer.vis_backends.0: a dict\(type="),
        ({"vis_backends": [{"type": "TensorboardVisBackend", "save_dir": 5}]}, "0.save_dir: expected str, not 5"),
        ({"vis_backends": [{"type": "WandbVisBackend", "init_kwargs": 5}]}, "0.init_kwargs: expected Mapping"),
        ({"vis_backends": [{"type": "LocalVisBackend", "save_dir": "\0"}]}, "vis_backends.0: save_dir: .* is no path"),
    ],
)
def test_refused(cfg: dict[str, Any], message: str) -> None:
    for look in (check_backends, lambda cfg: make_backends(cfg, Path("work"))):
        with pytest.raises(ConfigError, match=message):
            look(cfg)


@pytest.mark.parametrize(
    "given",
    [
        {"img_save_dir": "../pictures"},
        {"img_save_dir": ""},
        {"img_save_dir": "a/../../b"},
        {"img_save_dir": "..\\pictures"},
        {"config_save_file": "/etc/evil.py"},
        {"config_save_file": "C:\\evil.py"},
        {"config_save_file": ".bashrc"},
        {"scalar_save_file": "~/lines.json"},
        {"scalar_save_file": "lines.py"},
    ],
)
def test_files_stay_in_the_folder(given: dict[str, str], tmp_path: Path) -> None:
    """A config cannot have its text or its numbers written over files of the user."""
    with pytest.raises(ValueError, match=rf"{next(iter(given))}: .* inside save_dir is expected"):
        LocalVisBackend(str(tmp_path), **given)


def test_names_inside_the_folder(tmp_path: Path) -> None:
    backend = LocalVisBackend(str(tmp_path), "seen/all", config_save_file="all/cfg.py", scalar_save_file="a.json")
    backend.add_config({"a": 1})
    backend.add_image("x", PICTURE, 1)
    assert (tmp_path / "all/cfg.py").exists() and (tmp_path / "seen/all/x_1.png").exists()


def test_a_missing_package_is_told_before_training(monkeypatch: pytest.MonkeyPatch) -> None:
    cfg = {"vis_backends": [{"type": "WandbVisBackend"}, {"type": "LocalVisBackend"}]}
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(ConfigError, match=r"^vis_backends\.0\.type: WandbVisBackend needs the package wandb: pip"):
        check_backends(cfg)
    monkeypatch.setitem(sys.modules, "wandb", types.ModuleType("wandb"))
    check_backends(cfg)


def test_where_they_write(tmp_path: Path) -> None:
    cfg = {"visualizer": {"save_dir": str(tmp_path / "shown"), "vis_backends": [{"type": "LocalVisBackend"}]}}
    assert picture_folder(cfg, tmp_path) == tmp_path / "shown/vis_data"
    assert picture_folder({}, tmp_path) == tmp_path / "vis_data"
    assert set(BACKENDS) == {*SERVICES, "LocalVisBackend", "TensorboardVisBackend", "CSVVisBackend"}
