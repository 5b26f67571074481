"""mmengine's Hook: every point, and the counting helpers. `segue.training.hook_callback` calls them."""

from __future__ import annotations

import inspect
from enum import Enum
from typing import Any, ClassVar

from segue.compat.mmengine.run_views import RunViews
from segue.compat.overrides import Guarded
from segue.reference.overrides import HOOK_POINTS
from segue.training.user_views import offer

offer(RunViews())


class Priority(Enum):
    """When a hook runs among others; lower is earlier."""

    HIGHEST = 0
    VERY_HIGH = 10
    HIGH = 30
    ABOVE_NORMAL = 40
    NORMAL = 50
    BELOW_NORMAL = 60
    LOW = 70
    VERY_LOW = 90
    LOWEST = 100


def get_priority(priority: Any) -> int:
    """A priority as a number."""
    if isinstance(priority, Priority):
        return priority.value
    return Priority[priority.upper()].value if isinstance(priority, str) else int(priority)


class Hook(Guarded):
    """A hook of the user's own; each point of ``stages`` is a method that gets the runner first.

    After it come, at ``*_iter``, ``batch_idx`` and ``data_batch``, and after an iteration ``outputs``; after an epoch
    of validation or test the ``metrics``; beside checkpoints the ``checkpoint``, which may be added to.
    """

    takes_config = True
    stands_for: ClassVar = ("hooks", "Hook")
    priority: Any = "NORMAL"
    stages = tuple(HOOK_POINTS.split()[:-4])

    def before_epoch(self, runner: Any, mode: str = "train") -> None:
        """Before an epoch of any kind."""

    def after_epoch(self, runner: Any, mode: str = "train") -> None:
        """After an epoch of any kind."""

    def before_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, mode: str = "train") -> None:
        """Before a batch of any kind."""

    def after_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None, mode: str = "train"
    ) -> None:
        """After a batch of any kind."""

    # what mmengine's points of one mode call; they call those above, which are mmcv's

    def _before_epoch(self, runner: Any, mode: str = "train") -> None:
        _call(self.before_epoch, runner, mode=mode)

    def _after_epoch(self, runner: Any, mode: str = "train") -> None:
        _call(self.after_epoch, runner, mode=mode)

    def _before_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, mode: str = "train") -> None:
        _call(self.before_iter, runner, batch_idx, data_batch, mode=mode)

    def _after_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None, mode: str = "train"
    ) -> None:
        _call(self.after_iter, runner, batch_idx, data_batch, outputs, mode=mode)

    def every_n_epochs(self, runner: Any, n: int, start: int = 0) -> bool:
        """Whether n epochs have passed since the last time."""
        return n > 0 and (runner.epoch + 1 - start) % n == 0

    def every_n_inner_iters(self, batch_idx: int, n: int) -> bool:
        """Whether n batches of this epoch have passed since the last time."""
        return n > 0 and (batch_idx + 1) % n == 0

    def every_n_train_iters(self, runner: Any, n: int, start: int = 0) -> bool:
        """Whether n iterations have passed since the last time."""
        return n > 0 and (runner.iter + 1 - start) % n == 0

    every_n_iters = every_n_train_iters

    def end_of_epoch(self, dataloader: Any, batch_idx: int) -> bool:
        """Whether a batch is the epoch's last."""
        return batch_idx + 1 == len(dataloader)

    def is_last_train_epoch(self, runner: Any) -> bool:
        """Whether this epoch is the last."""
        return runner.epoch + 1 == runner.max_epochs

    def is_last_train_iter(self, runner: Any) -> bool:
        """Whether this iteration is the last."""
        return runner.iter + 1 == runner.max_iters

    def get_triggered_stages(self) -> list[str]:
        """The points that the class overrides."""
        found = []
        for stage in self.stages:
            when, _, *what = stage.split("_")
            names = [stage, *(f"{prefix}{when}_{what[0]}" for prefix in ("", "_") if what in (["iter"], ["epoch"]))]
            if any(getattr(type(self), name) is not getattr(Hook, name) for name in names):
                found.append(stage)
        return found


def _call(method: Any, runner: Any, *args: Any, **kwargs: Any) -> None:
    """A method of the user's, which takes the runner only where it was written for mmcv."""
    if len(inspect.signature(method).parameters) == 1:
        method(runner)
    else:
        method(runner, *args, **kwargs)


def _point(stage: str) -> Any:
    """The method of a point: nothing, or that of the same point of any mode, such as ``_before_iter``."""
    when, mode, *what = stage.split("_")

    def method(self: Hook, runner: Any, *args: Any, **kwargs: Any) -> None:
        if what == ["iter"]:
            getattr(self, f"_{when}_iter")(runner, *args, mode=mode, **kwargs)
        elif what == ["epoch"]:
            getattr(self, f"_{when}_epoch")(runner, mode=mode)

    method.__name__ = stage
    return method


for _stage in Hook.stages:
    setattr(Hook, _stage, _point(_stage))
