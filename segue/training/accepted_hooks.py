"""Hooks of mmengine that Segue has no settings for, and the names that ``default_hooks`` has for some."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from segue.errors import Problem, alike, nearest


@dataclass(frozen=True)
class Accepted:
    """A hook of mmengine without a counterpart.

    Attributes:
        why: what happens in its place.
        arguments: what it takes; None of a hook whose arguments are another vendor's.
        done: what it is for happens anyway.
    """

    why: str
    arguments: tuple[str, ...] | None = ()
    done: bool = True


ACCEPTED: dict[str, Accepted] = {
    "IterTimerHook": Accepted("time and data_time are always logged"),
    "ParamSchedulerHook": Accepted("the schedule always runs"),
    "RuntimeInfoHook": Accepted("losses, rates and metrics are always logged"),
    "DistSamplerSeedHook": Accepted("the order of the data is a function of seed and position"),
    "PrepareTTAHook": Accepted("segue test --tta averages over the views of tta_pipeline", ("tta_cfg",), done=False),
    "NPUProfilerHook": Accepted("nothing is profiled; use the vendor's profiler around segue train", None, done=False),
}


#: mmengine's keys of ``default_hooks``, and what goes on when None stands there; others are accepted, if they are not
#: near to one of these and hold a hook.
DEFAULT_NAMES = {
    "runtime_info": "losses, rates and metrics are always logged",
    "timer": "times are always logged",
    "sampler_seed": "",
    "logger": "the log is always written",
    "param_scheduler": "the schedule always runs; a config without the section param_scheduler keeps its rate",
    "checkpoint": "",
    "visualization": "",
}


def name_problems(defaults: Mapping[str, Any]) -> list[Problem]:
    """Names in ``default_hooks`` that are misspelled."""
    problems = []
    for name in defaults:
        if name not in DEFAULT_NAMES and (close := alike(str(name), DEFAULT_NAMES, cutoff=0.8)):
            message = f"no default hook is called so; did you mean {close[0]!r}? Others belong into custom_hooks"
            problems.append(Problem(f"default_hooks.{name}", message))
    return problems


def unknown_arguments(node: Mapping[str, Any], name: str, entry: Accepted, key: str) -> list[Problem]:
    """Arguments that a hook without settings does not take."""
    known = entry.arguments
    if known is None:
        return []
    return [
        Problem(f"{key}.{argument}", f"{name} has no argument {argument!r}{nearest(argument, known)}")
        for argument in node
        if argument not in (*known, "type", "_scope_")
    ]
