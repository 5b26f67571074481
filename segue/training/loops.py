"""``train_cfg``, ``val_cfg`` and ``test_cfg``: how long to train and when to look.

Both of mmengine's loops become one: a single run over ``max_iters`` batches. An epoch is ``epoch_length`` of them, so
accumulation, schedules, validation and resuming are counted in one unit and behave alike in both kinds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from segue.errors import ConfigError, Problem
from segue.training.translate import lookup, settings, type_name


@dataclass(frozen=True, kw_only=True)
class IterBasedTrainLoop:
    """Train for ``max_iters`` batches; validate every ``val_interval`` of them from ``val_begin`` on."""

    max_iters: int
    val_begin: int = 1
    val_interval: int = 1000
    dynamic_intervals: Sequence[tuple[int, int]] | None = None


@dataclass(frozen=True, kw_only=True)
class EpochBasedTrainLoop:
    """Train for ``max_epochs`` passes over the data; the other settings count epochs too."""

    max_epochs: int
    val_begin: int = 1
    val_interval: int = 1
    dynamic_intervals: Sequence[tuple[int, int]] | None = None


@dataclass(frozen=True, kw_only=True)
class EvaluationLoop:
    """``ValLoop`` and ``TestLoop``; ``fp16`` evaluates in mixed precision."""

    fp16: bool = False


TrainLoop = IterBasedTrainLoop | EpochBasedTrainLoop
TRAIN_LOOPS: dict[str, type[TrainLoop]] = {
    "IterBasedTrainLoop": IterBasedTrainLoop,
    "EpochBasedTrainLoop": EpochBasedTrainLoop,
}
EVALUATION_LOOPS = {"ValLoop": EvaluationLoop, "TestLoop": EvaluationLoop}


@dataclass(frozen=True)
class Loop:
    """How training runs, counted in its unit: iterations, or epochs of ``epoch_length`` iterations.

    Attributes:
        by_epoch: the unit is an epoch.
        length: units to train.
        epoch_length: iterations of one pass over the data.
        val_begin: first unit after which validation may run.
        val_intervals: (unit, interval) pairs, each valid from its unit on.
    """

    by_epoch: bool
    length: int
    epoch_length: int
    val_begin: int
    val_intervals: tuple[tuple[int, int], ...]

    @property
    def max_iters(self) -> int:
        """Batches to train."""
        return self.length * self.epoch_length if self.by_epoch else self.length

    @property
    def max_epochs(self) -> int:
        """Epochs to train; the whole of iteration-based training counts as one, as in mmengine."""
        return self.length if self.by_epoch else 1

    def unit(self, iteration: int) -> int | None:
        """The finished unit after ``iteration`` batches, or None in the middle of one."""
        if not self.by_epoch:
            return iteration
        return iteration // self.epoch_length if iteration % self.epoch_length == 0 else None

    def validates_after(self, iteration: int) -> bool:
        """Whether validation follows the ``iteration``-th batch (counted from 1); it always follows the last one."""
        unit = self.unit(iteration)
        if unit is None or unit < self.val_begin:
            return False
        interval = next(every for begin, every in reversed(self.val_intervals) if unit >= begin)
        return unit % interval == 0 or unit == self.length


def read_train_loop(node: Mapping[str, Any], epoch_length: int) -> Loop:
    """Translate ``train_cfg``; without a ``type``, ``by_epoch`` decides as in mmengine (default True)."""
    key = "train_cfg"
    node = dict(node)
    by_epoch = node.pop("by_epoch", True)
    name = type_name(node, key, "EpochBasedTrainLoop" if by_epoch else "IterBasedTrainLoop")
    loop: TrainLoop = settings(lookup(TRAIN_LOOPS, name, key, "training loop"), node, key)
    unit = "max_iters" if isinstance(loop, IterBasedTrainLoop) else "max_epochs"
    length = getattr(loop, unit)
    for field, value in ((unit, length), ("val_interval", loop.val_interval)):
        if value < 1:
            raise ConfigError(Problem(f"{key}.{field}", f"a positive whole number is expected, got {value!r}"))
    intervals = ((0, loop.val_interval), *((int(b), int(i)) for b, i in loop.dynamic_intervals or ()))
    return Loop(isinstance(loop, EpochBasedTrainLoop), length, epoch_length, loop.val_begin, tuple(sorted(intervals)))


def read_evaluation_loop(node: Mapping[str, Any] | None, key: str) -> EvaluationLoop:
    """Translate ``val_cfg`` or ``test_cfg``."""
    node = node or {}
    return settings(lookup(EVALUATION_LOOPS, type_name(node, key, "ValLoop"), key, "evaluation loop"), node, key)
