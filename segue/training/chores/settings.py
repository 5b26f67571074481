"""Settings of ``EmptyCacheHook``, ``SyncBuffersHook`` and ``ProfilerHook``, and what a hook's ``priority`` may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from segue.errors import nearest

PRIORITIES = {
    "HIGHEST": 0,
    "VERY_HIGH": 10,
    "HIGH": 30,
    "ABOVE_NORMAL": 40,
    "NORMAL": 50,
    "BELOW_NORMAL": 60,
    "LOW": 70,
    "VERY_LOW": 90,
    "LOWEST": 100,
}
SCHEDULE = ("wait", "warmup", "active", "repeat", "skip_first", "skip_first_wait")  # of torch.profiler.schedule
TRACES = {"log_trace": ("sort_by", "row_limit"), "tb_trace": ("dir_name", "worker_name")}


def rank_of(priority: int | str | None) -> int:
    """``'ABOVE_NORMAL'`` or a number from 0 to 100 to a number; lower runs earlier.

    Raises:
        ValueError: neither.
    """
    if priority is None:
        return PRIORITIES["NORMAL"]
    if isinstance(priority, str) and priority.upper() in PRIORITIES:
        return PRIORITIES[priority.upper()]
    number = getattr(priority, "value", priority)  # of an enumeration, as mmengine's is
    if isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= 100:
        return number
    hint = nearest(priority.upper(), list(PRIORITIES)) if isinstance(priority, str) else ""
    raise ValueError(
        f"priority must be a number from 0 to 100 or one of {', '.join(PRIORITIES)}, got {priority!r}{hint}"
    )


@dataclass(frozen=True, kw_only=True)
class EmptyCacheHook:
    """Give the GPU's cached memory back: before or after an epoch (a validation is one), or after each batch."""

    before_epoch: bool = False
    after_epoch: bool = True
    after_iter: bool = False


@dataclass(frozen=True, kw_only=True)
class SyncBuffersHook:
    """Average the buffers over the processes after each epoch of training."""


@dataclass(frozen=True, kw_only=True)
class ProfilerHook:
    """torch's profiler over the first ``profile_times`` epochs or iterations.

    Attributes:
        by_epoch: what ``profile_times`` counts; training that counts iterations is one epoch.
        activity_with_cpu, activity_with_cuda: what is measured.
        schedule: arguments of ``torch.profiler.schedule``, in iterations.
        on_trace_ready: ``dict(type='log_trace')``, ``dict(type='tb_trace', dir_name=...)``, or a function of a profile.
        record_shapes, profile_memory, with_stack, with_flops: see ``torch.profiler.profile``.
        json_trace_path: where to write a trace for a browser's ``about:tracing``.
    """

    by_epoch: bool = True
    profile_times: int = 1
    activity_with_cpu: bool = True
    activity_with_cuda: bool = False
    schedule: Mapping[str, Any] | None = None
    on_trace_ready: Any = None
    record_shapes: bool = False
    profile_memory: bool = False
    with_stack: bool = False
    with_flops: bool = False
    json_trace_path: str | None = None

    def __post_init__(self) -> None:
        if self.profile_times < 1:
            raise ValueError(f"profile_times must be at least 1, got {self.profile_times}")
        if not (self.activity_with_cpu or self.activity_with_cuda):
            raise ValueError("nothing to profile: set activity_with_cpu or activity_with_cuda")
        for name, value in (self.schedule or {}).items():
            if name not in SCHEDULE:
                raise ValueError(f"schedule has no argument {name!r}{nearest(str(name), SCHEDULE)}")
            if not isinstance(value, int) or value < 0:
                raise ValueError(f"schedule: {name} must be a whole number from 0 on, got {value!r}")
        if self.schedule is not None and not {"wait", "warmup", "active"} <= set(self.schedule):
            raise ValueError("schedule needs wait, warmup and active")
        if isinstance(self.on_trace_ready, Mapping):
            kind = self.on_trace_ready.get("type")
            if kind not in TRACES:
                raise ValueError(f"on_trace_ready: type must be one of {', '.join(TRACES)}, got {kind!r}")
            for name in self.on_trace_ready:
                if name not in ("type", *TRACES[kind]):
                    raise ValueError(
                        f"on_trace_ready: {kind} has no argument {name!r}{nearest(str(name), TRACES[kind])}"
                    )
        elif self.on_trace_ready is not None and not callable(self.on_trace_ready):
            raise ValueError(f"on_trace_ready must be a dict(type=...) or a function, got {self.on_trace_ready!r}")
