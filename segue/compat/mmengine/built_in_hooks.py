"""mmengine's own hooks by name. Segue's training does their work itself, as ``default_hooks`` says.

Those whose work is a part of training cannot be changed by deriving from them: the class definition says so. The
others may be derived from; what they do at their points is done by Segue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import torch

from segue.compat.mmengine.hooks import Hook
from segue.config.builder.register import registered
from segue.config.trust import bare
from segue.training.accepted_hooks import ACCEPTED
from segue.training.hooks import TRANSLATED


class _Configured(Hook):
    """A hook that ``default_hooks`` or ``custom_hooks`` configures; its work is a part of Segue's training."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        names = [field.name for field in fields(TRANSLATED[self._built_in()][1])]
        if len(args) > len(names):
            raise TypeError(f"{self._built_in()} takes {len(names)} arguments, got {len(args)}")
        self.arguments = {**dict(zip(names, args, strict=False)), **kwargs}

    @classmethod
    def _built_in(cls) -> str:
        return next(base.__name__ for base in cls.__mro__ if base.__module__ == __name__)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        base = cls.__mro__[1]
        if base is not _Configured and cls.__module__ != __name__:
            raise TypeError(
                f"{cls.__name__}: {base.__name__} is a part of Segue's training, which would not call what a subclass "
                "overrides; derive from mmengine.hooks.Hook, and configure the built-in one in default_hooks"
            )


class CheckpointHook(_Configured):
    """Saves checkpoints: ``interval``, ``by_epoch``, ``max_keep_ckpts``, ``save_best`` ..."""


class EMAHook(_Configured):
    """Averages the weights."""


class EarlyStoppingHook(_Configured):
    """Stops when a metric gets no better."""


class LoggerHook(_Configured):
    """Writes the log."""


class ParamSchedulerHook(Hook):
    """Segue steps the schedules."""

    priority = "LOW"


class IterTimerHook(Hook):
    """Segue measures the times."""


class RuntimeInfoHook(Hook):
    """Segue keeps the numbers of the run."""

    priority = "VERY_HIGH"


class DistSamplerSeedHook(Hook):
    """Segue's order of samples follows from the seed and the iteration."""


class SyncBuffersHook(_Configured):
    """Averages buffers over the processes after each epoch."""


class EmptyCacheHook(Hook):
    """Gives the GPU's cached memory back, before or after an epoch or after each iteration."""

    def __init__(self, before_epoch: bool = False, after_epoch: bool = True, after_iter: bool = False) -> None:
        self._do = {"before_epoch": before_epoch, "after_epoch": after_epoch, "after_iter": after_iter}

    def before_epoch(self, runner: Any, mode: str = "train") -> None:
        """Before an epoch."""
        self._empty("before_epoch")

    def after_epoch(self, runner: Any, mode: str = "train") -> None:
        """After an epoch."""
        self._empty("after_epoch")

    def after_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None, mode: str = "train"
    ) -> None:
        """After a batch."""
        self._empty("after_iter")

    def _empty(self, when: str) -> None:
        if self._do[when] and torch.cuda.is_available():
            torch.cuda.empty_cache()


def configured(hook: Any) -> dict[str, Any] | None:
    """The entry of ``custom_hooks`` that asks for what a hook does; None for those with points of their own.

    ``hook`` is a config dict, or an object of one of the classes above whose work is a part of Segue's training.
    """
    if isinstance(hook, _Configured):
        return {"type": hook._built_in(), **hook.arguments}
    kind = hook.get("type") if isinstance(hook, Mapping) else None
    if not isinstance(kind, str) or bare(kind) in registered:
        return None
    return dict(hook) if bare(kind) in TRANSLATED or bare(kind) in ACCEPTED else None
