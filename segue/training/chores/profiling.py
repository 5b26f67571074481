"""``ProfilerHook``: torch's profiler over the first epochs or iterations of a training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback

from segue.errors import ConfigError, Problem
from segue.training.chores.between import ends_epoch
from segue.training.chores.settings import ProfilerHook
from segue.training.loops import Loop

_ROWS = 20


class Profiling(Callback):
    """Profiles in the first process; what was found is said, and written where the hook says so.

    Args:
        hook: the settings.
        loop: how training is counted.
        say: prints lines.

    Raises:
        ConfigError: more is to be profiled than is trained.
    """

    def __init__(self, hook: ProfilerHook, loop: Loop, say: Callable[[str], None]) -> None:
        self.hook, self.loop, self.say = hook, loop, say
        most, unit = (loop.max_epochs, "epochs") if hook.by_epoch else (loop.max_iters, "iterations")
        if hook.profile_times > most:
            message = f"profile_times={hook.profile_times}, but there are {most} {unit} of training"
            raise ConfigError(Problem("custom_hooks: ProfilerHook", message))
        self.seen = 0
        self.profiler: Any = None

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin."""
        if not trainer.is_global_zero or self.seen >= self.hook.profile_times:
            return
        hook, kinds = self.hook, torch.profiler.ProfilerActivity
        chosen = [(hook.activity_with_cpu, kinds.CPU), (hook.activity_with_cuda, kinds.CUDA)]
        self.profiler = torch.profiler.profile(
            activities=[kind for wanted, kind in chosen if wanted],
            schedule=torch.profiler.schedule(**hook.schedule) if hook.schedule else None,
            on_trace_ready=self._ready(),
            record_shapes=hook.record_shapes,
            profile_memory=hook.profile_memory,
            with_stack=hook.with_stack,
            with_flops=hook.with_flops,
        )
        self.profiler.__enter__()

    def _ready(self) -> Callable[[Any], None] | None:
        """What to do with a trace, as ``on_trace_ready`` says."""
        given = self.hook.on_trace_ready
        if not isinstance(given, Mapping):
            return given  # type: ignore[no-any-return]
        if given["type"] == "tb_trace":
            folder = str(given.get("dir_name") or "profile")
            return torch.profiler.tensorboard_trace_handler(folder, given.get("worker_name"))  # type: ignore[no-any-return]
        sort_by, limit = given.get("sort_by", "self_cpu_time_total"), int(given.get("row_limit", _ROWS))
        return lambda profile: self.say(profile.key_averages().table(sort_by=sort_by, row_limit=limit))

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Count; the last one ends it."""
        if self.profiler is None:
            return
        self.profiler.step()
        self.seen += not self.hook.by_epoch or ends_epoch(self.loop, batch_idx + 1)
        if self.seen >= self.hook.profile_times:
            self.finish()

    def finish(self) -> None:
        """Stop, say what took how long, and write the trace."""
        profiler, self.profiler = self.profiler, None
        if profiler is None:
            return
        profiler.__exit__(None, None, None)
        if self.hook.on_trace_ready is None:
            self.say(profiler.key_averages().table(sort_by="self_cpu_time_total", row_limit=_ROWS))
        if self.hook.json_trace_path is None:
            return
        try:
            Path(self.hook.json_trace_path).parent.mkdir(parents=True, exist_ok=True)
            profiler.export_chrome_trace(self.hook.json_trace_path)
        except (OSError, RuntimeError) as error:  # what was looked at only must not end a training
            self.say(f"{self.hook.json_trace_path}: the trace cannot be written ({error})")
        else:
            self.say(f"The trace of the profiler: {self.hook.json_trace_path}")

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """A run that ended earlier."""
        self.finish()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """A run that failed."""
        if self.profiler is not None:
            self.profiler.__exit__(None, None, None)
            self.profiler = None
