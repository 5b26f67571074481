"""Single names of mmengine and mmseg: checkpoints of a folder, averages of a log, constructors with layer decay."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from segue.compat.mmengine.optim import DefaultOptimWrapperConstructor, OptimWrapper
from segue.compat.mmseg.names import DATASETS as _ALIASES
from segue.reference.names import VERSIONS
from segue.training.layer_decay import layer_decay_groups
from segue.training.layer_decay import vit_layer as get_layer_id_for_vit

BaseOptimWrapper = OptimWrapper
#: of the top packages each shows its own
version_info = tuple(int(part) for part in VERSIONS["mmseg"].split("."))
#: dataset -> its short names
dataset_aliases = {name: [alias for alias, other in _ALIASES.items() if other == name] for name in _ALIASES.values()}


@contextmanager
def read_base() -> Iterator[None]:
    """Marks the bases of a config in Python; Segue reads such configs without running them."""
    yield


def get_state_dict(module: nn.Module, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> Any:
    """The module's state."""
    return module.state_dict(destination=destination, prefix=prefix, keep_vars=keep_vars)


def find_latest_checkpoint(path: str) -> str | None:
    """The checkpoint that ``last_checkpoint`` of a folder names, or the newest one in it."""
    note = Path(path) / "last_checkpoint"
    if note.is_file():
        return note.read_text(encoding="utf-8").strip()
    found = [file for end in ("*.pth", "*.ckpt") for file in Path(path).glob(end)]
    return str(max(found, key=os.path.getmtime)) if found else None


class ManagerMeta(type):
    """The metaclass of classes with one object per name."""


class TimeCounter:
    """A decorator, or a context, that prints how long a function takes."""

    def __init__(
        self, log_interval: int = 1, warmup_interval: int = 1, with_sync: bool = True, tag: str | None = None,
        logger: Any = None,
    ) -> None:  # fmt: skip
        self.log_interval, self.warmup_interval, self.with_sync, self.tag = (
            log_interval,
            warmup_interval,
            with_sync,
            tag,
        )
        self._calls, self._seconds = 0, 0.0

    def _now(self) -> float:
        if self.with_sync and torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter()

    def __call__(self, function: Any) -> Any:
        self.tag = self.tag or function.__name__

        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return wrapper

    def __enter__(self) -> None:
        self._start = self._now()

    def __exit__(self, *error: Any) -> None:
        self._calls += 1
        if self._calls >= self.warmup_interval:
            self._seconds += self._now() - self._start
            counted = self._calls - self.warmup_interval + 1
            if self._calls % self.log_interval == 0:
                mean = self._seconds / counted * 1e3
                print(f"[{self.tag}]-time per run averaged in the past {counted} runs: {mean:.1f} ms")


class HistoryBuffer:
    """A history of numbers, each with a weight."""

    def __init__(self, log_history: Any = (), count_history: Any = (), max_length: int = 1000000) -> None:
        self.max_length = max_length
        self._log, self._count = np.array(log_history, float), np.array(count_history, float)
        if len(self._log) != len(self._count):
            raise AssertionError("The lengths of log_history and count_history should be equal")

    @property
    def data(self) -> tuple[Any, Any]:
        """Numbers and weights."""
        return self._log, self._count

    def update(self, log_val: float, count: int = 1) -> None:
        """One more."""
        self._log = np.append(self._log, log_val)[-self.max_length :]
        self._count = np.append(self._count, count)[-self.max_length :]

    def _last(self, window: int | None) -> tuple[Any, Any]:
        size = len(self._log) if window is None else min(window, len(self._log))
        return self._log[len(self._log) - size :], self._count[len(self._log) - size :]

    def mean(self, window_size: int | None = None) -> Any:
        """The weighted mean of the last numbers."""
        values, counts = self._last(window_size)
        return (values * counts).sum() / counts.sum()

    def max(self, window_size: int | None = None) -> Any:
        """The largest of the last numbers."""
        return self._last(window_size)[0].max()

    def min(self, window_size: int | None = None) -> Any:
        """The smallest of the last numbers."""
        return self._last(window_size)[0].min()

    def current(self) -> Any:
        """The last number."""
        if not len(self._log):
            raise ValueError("HistoryBuffer._log_history is an empty array! please call update first")
        return self._log[-1]


class LearningRateDecayOptimizerConstructor(DefaultOptimWrapperConstructor):
    """Learning rates that fall from the last layer to the first, as ``paramwise_cfg`` says."""

    def add_params(self, params: list[Any], module: nn.Module, prefix: str = "", is_dcn_module: Any = None) -> None:
        """Append one group per parameter of ``module``."""
        where = "optim_wrapper.paramwise_cfg"
        for name, parameter, own in layer_decay_groups(
            module, self.paramwise_cfg, self.base_lr, self.base_wd, key=where
        ):
            params.append({"params": [parameter], "param_names": [name], **own})


class LayerDecayOptimizerConstructor(LearningRateDecayOptimizerConstructor):
    """The same by its old name."""


class ForceDefaultOptimWrapperConstructor(DefaultOptimWrapperConstructor):
    """The default constructor; ``force_default_settings`` is refused.

    Raises:
        ValueError: ``force_default_settings=True``.
    """

    def __init__(self, optim_wrapper_cfg: Any, paramwise_cfg: Any = None) -> None:
        given = dict(paramwise_cfg or {})
        if given.pop("force_default_settings", False):
            raise ValueError("paramwise_cfg.force_default_settings: not offered; derive from this class: add_params")
        super().__init__(optim_wrapper_cfg, given)


__all__ = ["get_layer_id_for_vit"]
