"""The callbacks of this folder for a run."""

from __future__ import annotations

from typing import Any

from lightning.pytorch import Callback

from segue.training.chores.between import SyncBuffers
from segue.training.chores.monitors import Monitors, watched
from segue.training.chores.profiling import Profiling
from segue.training.chores.statistics import Statistics
from segue.training.loops import Loop
from segue.training.plan import rules_of
from segue.training.preflight import metric_names, stopping_key
from segue.training.preview.screen import Preview


def chores(run: Any, loop: Loop, preview: Preview) -> list[Callback]:
    """In the order in which they are called.

    Args:
        run: the `segue.training.run.Run`.
        loop: how training is counted.
        preview: measures a step before the first.

    Raises:
        ConfigError: see `Profiling`.
    """
    hooks = run.plan.hooks
    made: list[Callback] = [Statistics()]
    if run.parts.val_data is not None:
        wanted = list(watched(hooks, rules_of(run.cfg, loop), stopping_key(run.cfg)))
        names = metric_names(run.parts)
        made.append(Monitors(wanted, names, lambda: preview.measured.names if preview.measured else ()))
    if hooks.buffers:
        made.append(SyncBuffers())
    if hooks.profiler:
        made.append(Profiling(hooks.profiler, loop, run.say))
    return made
