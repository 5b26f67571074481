"""What ``save_best``, ``EarlyStoppingHook`` and plateaus watch is there: seen at the start, not at a validation.

A metric of the validation, its ``loss``, or a value of the training's log, such as ``decode.acc_seg`` or ``grad_norm``.
Names of metrics are known beforehand; names of the log are known when a step has been measured, or done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from lightning.pytorch import Callback

from segue.errors import ConfigError, Problem, nearest
from segue.training.hooks import Hooks
from segue.training.plateau import ReduceOnPlateauLR
from segue.training.rules import Rule

#: of a validation, by `segue.training.chores.validation_loss`
VALIDATION = "loss"
#: words of names of the log; what has none of them is not taken for one
_LOGGED = ("loss", "acc", "grad_norm", "decode", "aux", "iou", "dice")


def watched(hooks: Hooks, rules: Sequence[Rule], stopping_key: str = "custom_hooks") -> Iterator[tuple[str, str]]:
    """Key path and name of everything that is watched."""
    for name in hooks.checkpoint.best:
        if name != "auto":
            yield "default_hooks.checkpoint.save_best", name
    if hooks.early_stopping:
        yield stopping_key, hooks.early_stopping.monitor
    for index, rule in enumerate(rules):
        if isinstance(rule, ReduceOnPlateauLR):
            yield f"param_scheduler.{index}.monitor", rule.monitor


def may_be_logged(name: str) -> bool:
    """Whether a name may be one of the training's log, which is known after a step alone."""
    return any(word in name for word in _LOGGED) and "/" not in name


class Monitors(Callback):
    """Looks for every watched name that is no metric in the first step's log.

    Args:
        wanted: of `watched`.
        metrics: names of the validation; None where only measuring tells, as with a metric of the user's own.
        measured: names of the log's values, if a step was measured before the first; else empty.
    """

    def __init__(
        self,
        wanted: Sequence[tuple[str, str]],
        metrics: Sequence[str] | None,
        measured: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self.wanted, self.metrics, self.measured = list(wanted), metrics, measured
        self.done = not wanted or metrics is None

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """With the names of the measured step."""
        if names := list(self.measured()):
            clipped = ["grad_norm"] if pl_module.recipe.wrapper.clips_by_norm else []
            self.check([*names, *clipped])

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """With those of the first step, where none was measured."""
        step = pl_module.recipe.wrapper.accumulative_counts  # a norm of gradients is there after a whole one
        if not self.done and batch_idx + 1 >= step:
            self.check(list(pl_module.values))

    def check(self, logged: Sequence[str]) -> None:
        """Look for them.

        Raises:
            ConfigError: those that are not there.
        """
        if self.done:
            return
        self.done = True
        known = [*(self.metrics or ()), *logged]
        problems = [
            Problem(key, f"the validation has no metric {name!r}{nearest(name, known)}, nor has the training's log")
            for key, name in self.wanted
            if name not in known and name != VALIDATION
        ]
        if problems:
            raise ConfigError(problems)


def value_of(name: str, metrics: Mapping[str, float], logged: Callable[[], Mapping[str, float]], key: str) -> float:
    """The watched value after a validation: the metric, else the last iteration's.

    Raises:
        ConfigError: there is none; ``key`` is of what watches it.
    """
    found = metrics if name in metrics else logged()
    if name not in found:
        raise ConfigError(Problem(key, f"there is no {name!r} after a validation{nearest(name, list(found))}"))
    return found[name]
