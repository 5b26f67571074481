"""``train_cfg``, ``val_cfg`` and ``test_cfg``: how long to train and when to look.

Both of mmengine's loops become one: a single run over ``max_iters`` batches. An epoch is ``epoch_length`` of them, so
accumulation, schedules, validation and resuming are counted in one unit and behave alike in both kinds.
A loop of the user's own is run as it is (`segue.training.own_loop`).
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from segue.config.trust import Rights
from segue.errors import ConfigError, Problem
from segue.training.translate import lookup, settings, type_name, users_own


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
class OwnLoop:
    """A training loop of the user's own: a class derived from mmengine's, with what the config gives it.

    ``title`` is what messages call it.
    """

    cls: type
    arguments: Mapping[str, Any]
    key: str
    title: str = ""


@dataclass(frozen=True)
class Loop:
    """How training runs, counted in its unit: iterations, or epochs of ``epoch_length`` iterations.

    Attributes:
        by_epoch: the unit is an epoch.
        length: units to train.
        epoch_length: iterations of one pass over the data.
        val_begin: first unit after which validation may run.
        val_intervals: (unit, interval) pairs, each valid from its unit on.
        own: what is run in place of Segue's loop; it validates when it wants to.
    """

    by_epoch: bool
    length: int
    epoch_length: int
    val_begin: int
    val_intervals: tuple[tuple[int, int], ...]
    own: OwnLoop | None = None

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


def read_train_loop(node: Mapping[str, Any], epoch_length: int, rights: Rights = Rights.NAMED) -> Loop:
    """Translate ``train_cfg``; without a ``type``, ``by_epoch`` decides as in mmengine (default True)."""
    key = "train_cfg"
    node = dict(node)
    by_epoch = node.pop("by_epoch", True)
    name = type_name(node, key, "EpochBasedTrainLoop" if by_epoch else "IterBasedTrainLoop")
    if name not in TRAIN_LOOPS and (cls := users_own(node["type"], "loops", f"{key}.type", rights)) is not None:
        return _own(cls, {name: value for name, value in node.items() if name not in ("type", "_scope_")}, epoch_length)
    loop: TrainLoop = settings(lookup(TRAIN_LOOPS, name, key, "training loop"), node, key)
    unit = "max_iters" if isinstance(loop, IterBasedTrainLoop) else "max_epochs"
    length = getattr(loop, unit)
    for field, value in ((unit, length), ("val_interval", loop.val_interval)):
        if value < 1:
            raise ConfigError(Problem(f"{key}.{field}", f"a positive whole number is expected, got {value!r}"))
    intervals = ((0, loop.val_interval), *((int(b), int(i)) for b, i in loop.dynamic_intervals or ()))
    return Loop(isinstance(loop, EpochBasedTrainLoop), length, epoch_length, loop.val_begin, tuple(sorted(intervals)))


def _own(cls: Any, arguments: Mapping[str, Any], epoch_length: int) -> Loop:
    """A loop of the user's own; how long it trains is what the config gives it, or its constructor's default."""
    key = "train_cfg"
    if not (isinstance(cls, type) and callable(getattr(cls, "run", None))):
        raise ConfigError(Problem(f"{key}.type", f"{cls!r} is no training loop: a class with the method run is"))
    by_epoch = any(base.__name__ == "EpochBasedTrainLoop" for base in cls.__mro__)
    unit = "max_epochs" if by_epoch or ("max_epochs" in arguments and "max_iters" not in arguments) else "max_iters"
    length = arguments.get(unit, _default(cls, unit))
    if not isinstance(length, (int, float)) or isinstance(length, bool) or length < 1 or length != int(length):
        found = "nothing is given" if length is None else f"got {length!r}"
        message = f"{cls.__name__}: the schedule and the progress need to know how long it trains; {found}"
        raise ConfigError(Problem(f"{key}.{unit}", message))
    return Loop(
        by_epoch=unit == "max_epochs",
        length=int(length),
        epoch_length=epoch_length,
        val_begin=1,
        val_intervals=((0, int(length)),),
        own=OwnLoop(cls, dict(arguments), key, f"{cls.__name__} is a loop of your own"),
    )


def stepwise(loop: Loop, cls: type, model: str) -> Loop:
    """The same loop run by mmengine's ``cls``, for a model that has a ``train_step`` of its own."""
    first, *others = loop.val_intervals
    unit = "max_epochs" if loop.by_epoch else "max_iters"
    arguments = {unit: loop.length, "val_begin": loop.val_begin, "val_interval": first[1], "dynamic_intervals": others}
    return replace(loop, own=OwnLoop(cls, arguments, "model", f"{model} has a train_step of its own"))


def _default(cls: type, name: str) -> Any:
    """The default of a constructor's argument, in the class or in a base to which it passes its arguments on."""
    for base in cls.__mro__:
        if "__init__" not in vars(base):
            continue
        parameter = inspect.signature(base).parameters.get(name)
        if parameter is not None:
            return None if parameter.default is parameter.empty else parameter.default
    return None


def read_evaluation_loop(node: Mapping[str, Any] | None, key: str) -> EvaluationLoop:
    """Translate ``val_cfg`` or ``test_cfg``."""
    node = node or {}
    return settings(lookup(EVALUATION_LOOPS, type_name(node, key, "ValLoop"), key, "evaluation loop"), node, key)
