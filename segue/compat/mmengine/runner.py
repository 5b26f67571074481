"""mmengine's Runner over Segue's training, and mmcv 0.x's names of its kind."""

from __future__ import annotations

import copy
import os
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from segue.compat.mmengine.built_in_hooks import configured
from segue.compat.mmengine.config import Config
from segue.compat.mmengine.loaders import build_dataloader
from segue.compat.mmengine.registry import HOOKS
from segue.compat.mmengine.run_views import RunViews
from segue.config.builder.build import build_dataset, build_metric
from segue.config.tree import ConfigDict
from segue.errors import ConfigError
from segue.recipes.open import read_config

SECTIONS = (
    "train_dataloader", "val_dataloader", "test_dataloader", "train_cfg", "val_cfg", "test_cfg", "auto_scale_lr",
    "optim_wrapper", "param_scheduler", "val_evaluator", "test_evaluator", "default_hooks", "custom_hooks",
    "data_preprocessor", "load_from", "resume", "launcher", "env_cfg", "log_processor", "log_level", "visualizer",
    "default_scope", "randomness", "experiment_name",
)  # fmt: skip


class Runner:
    """``Runner.from_cfg(cfg).train()``, ``.val()`` and ``.test()``.

    Training is Segue's (Lightning underneath); the checkpoints, logs and metrics are those of ``segue train``.
    """

    def __init__(self, model: Any, work_dir: str, cfg: Any = None, **sections: Any) -> None:
        unknown = sorted(set(sections) - set(SECTIONS))
        if unknown:
            raise TypeError(f"Runner has no argument {unknown[0]!r}; it takes {', '.join(SECTIONS)}")
        given = {key: value for key, value in sections.items() if value is not None}
        base = cfg if isinstance(cfg, Mapping) else {}
        merged = Config(ConfigDict({**copy.deepcopy(dict(base)), **given}))
        object.__setattr__(merged, "filename", getattr(cfg, "filename", None))
        self._model = model if isinstance(model, nn.Module) else None
        if isinstance(model, Mapping):
            merged["model"] = model
        self.cfg = read_config(merged)
        self.work_dir, self.log_dir = str(work_dir), str(work_dir)
        self._hooks: list[tuple[Any, Any]] = []
        self.result: Any = None
        #: already trained or loaded, so that a test measures this model and not a file
        self._ready = False

    @classmethod
    def from_cfg(cls, cfg: Any) -> Runner:
        """The runner of a config."""
        cfg = read_config(cfg)
        if not cfg.get("work_dir"):
            name = Path(cfg.filename).stem if cfg.filename else "run"
            cfg["work_dir"] = os.path.join("work_dirs", name)
        return cls(cfg.get("model"), cfg["work_dir"], cfg=cfg)

    @property
    def model(self) -> Any:
        """The segmentor; built at first use."""
        if self._model is None:
            self._model = RunViews().segmentor(self.cfg)
        return self._model

    build_dataloader = staticmethod(build_dataloader)

    @property
    def experiment_name(self) -> str:
        """The name of the work folder."""
        return Path(self.work_dir).name

    def register_hook(self, hook: Any, priority: Any = None) -> None:
        """Add a hook. One of mmengine's own counts as if ``custom_hooks`` asked for it, so its settings are checked."""
        asked = configured(hook)
        if asked is not None:
            self.cfg["custom_hooks"] = [*(self.cfg.get("custom_hooks") or ()), asked]
            return
        given = dict(hook) if isinstance(hook, Mapping) else None
        priority = given.pop("priority", priority) if given is not None else priority
        self._hooks.append((HOOKS.build(given) if given is not None else hook, priority))

    def _parts(self, split: str) -> Any:
        from segue.training.parts import Parts

        parts = Parts(self.model)
        wanted = ("train", "val") if split == "train" else (split,)
        for name in wanted:
            if not self.cfg.get(f"{name}_dataloader"):
                continue
            dataset = self.cfg[f"{name}_dataloader"].get("dataset")
            if isinstance(dataset, Mapping):
                dataset = build_dataset(self.cfg, f"{name}_dataloader.dataset")
            if name == "train":
                parts.train_data = dataset
                continue
            if not self.cfg.get(f"{name}_evaluator"):
                continue
            parts.val_data = dataset
            parts.metrics = build_metric(self.cfg, f"{name}_evaluator")
            for metric in parts.metrics:
                metric.set_dataset(dataset.metainfo)
        return parts

    def train(self) -> Any:
        """Train; returns the model."""
        from segue.training import Machine, train
        from segue.training.launch import launched

        callbacks: list[Any] = []
        if self._hooks:
            from segue.training.hook_callback import HookCallback

            callbacks.append(HookCallback(self._hooks, (), self.cfg, Path(self.work_dir), 1))
        source = self.cfg.get("load_from") if self.cfg.get("resume") else None
        resume = source or bool(self.cfg.get("resume"))
        self.result = train(
            self.cfg,
            work_dir=self.work_dir,
            resume=resume,
            callbacks=callbacks,
            build=lambda: self._parts("train"),
            machine=Machine(devices="auto" if launched(None).launcher != "none" else 1),  # a script starts no others
        )
        self._ready = True
        return self.model

    def val(self) -> dict[str, float]:
        """Measure on the validation set."""
        return self._measure("val")

    def test(self) -> dict[str, float]:
        """Measure on the test set."""
        return self._measure("test")

    def _measure(self, split: str) -> dict[str, float]:
        from segue.training import evaluate

        cfg = self.cfg
        if split == "val":
            cfg = self.cfg.copy()
            for part in ("dataloader", "evaluator", "cfg"):
                cfg[f"test_{part}"] = self.cfg.get(f"val_{part}")
            if not cfg.get("test_dataloader"):
                raise ConfigError("Runner.val needs val_dataloader and val_evaluator")
        source = None if self._ready else self.cfg.get("load_from")
        return evaluate(cfg, source, work_dir=self.work_dir, build=lambda: self._parts(split))

    def load_checkpoint(self, filename: Any, **kwargs: Any) -> Any:
        """Load weights into the model."""
        report = load_checkpoint(self.model, filename)
        self._ready = True
        return report

    load_or_resume = load_checkpoint


def load_checkpoint(
    model: nn.Module, filename: Any, map_location: Any = None, strict: bool = False, logger: Any = None, **kwargs: Any
) -> dict[str, Any]:
    """Load weights into a model; returns what the file holds besides, without executing any of it."""
    from segue.checkpoints import fetch, load_weights, read

    found = read(fetch(filename))
    load_weights(model, found, strict=strict)
    return {"state_dict": found.state_dict, "meta": found.meta}


def load_state_dict(module: nn.Module, state_dict: Any, strict: bool = False, logger: Any = None) -> None:
    """Copy a state dict into a module."""
    from segue.checkpoints import load_weights

    load_weights(module, state_dict, strict=strict)


class CheckpointLoader:
    """``CheckpointLoader.load_checkpoint(file)``: what a file holds, read safely."""

    @staticmethod
    def load_checkpoint(filename: Any, map_location: Any = None, logger: Any = None) -> dict[str, Any]:
        """The state dict and the notes of a path, URL or alias."""
        from segue.checkpoints import fetch, read

        found = read(fetch(filename))
        return {"state_dict": found.state_dict, "meta": found.meta}

    _load_checkpoint = load_checkpoint


_load_checkpoint = CheckpointLoader.load_checkpoint


def save_checkpoint(checkpoint: Any, filename: Any, **kwargs: Any) -> None:
    """Write a checkpoint as torch does."""
    if isinstance(checkpoint, nn.Module):
        checkpoint = {"state_dict": checkpoint.state_dict(), "meta": kwargs.get("meta") or {}}
    Path(filename).parent.mkdir(parents=True, exist_ok=True)
    torch.save(checkpoint, filename)


def weights_to_cpu(state_dict: Any) -> Any:
    """A state dict on the CPU."""
    return {key: value.cpu() for key, value in state_dict.items()}


def set_random_seed(seed: int, deterministic: bool = False, diff_rank_seed: bool = False) -> int:
    """Seed Python, numpy and torch."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    if deterministic:
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    return seed


def no_change(*args: Any, **kwargs: Any) -> Any:
    """A decorator that leaves the function as it is: ``auto_fp16``, ``force_fp32``; precision is Lightning's."""
    if len(args) == 1 and callable(args[0]) and not kwargs:
        return args[0]
    return lambda function: function


auto_fp16 = force_fp32 = no_change


def autocast(device_type: str | None = None, dtype: Any = None, enabled: bool = True, cache_enabled: Any = None) -> Any:
    """torch.autocast on the device that is there."""
    device = device_type or ("cuda" if torch.cuda.is_available() else "cpu")
    return torch.autocast(device, dtype=dtype, enabled=enabled)
