"""``default_hooks`` and ``custom_hooks``: one table from mmengine's hook names to typed settings.

A hook is either translated (its settings drive one of the callbacks in this room), or accepted because what it did
happens anyway or has no meaning here; the table says which. Anything else is a ConfigError, so that no hook is dropped
in silence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from segue.config.trust import Rights
from segue.errors import ConfigError, Problem
from segue.training.accepted_hooks import ACCEPTED, Accepted, name_problems, unknown_arguments
from segue.training.chores.published import published_keys
from segue.training.chores.settings import EmptyCacheHook, ProfilerHook, SyncBuffersHook, rank_of
from segue.training.translate import lookup, replaces, settings, type_name, users_own

GREATER = ("acc", "top", "ar@", "auc", "precision", "recall", "map", "dice", "iou", "fscore", "f1", "psnr")
LESS = ("loss", "error", "rmse", "rel", "log10", "silog", "mae")


def is_greater_better(metric: str, rule: str | None = None) -> bool:
    """Whether a larger value of ``metric`` is better: as ``rule`` says, otherwise by the metric's name."""
    if rule is not None:
        if rule not in ("greater", "less"):
            raise ValueError(f"rule must be 'greater' or 'less', got {rule!r}")
        return rule == "greater"
    name = metric.split("/")[0].lower()
    if any(key in name for key in GREATER):
        return True
    if any(key in name for key in LESS):
        return False
    hint = "set rule='greater' or 'less'"
    raise ValueError(f"whether more or less {metric!r} is better cannot be told from its name: {hint}")


@dataclass(frozen=True, kw_only=True)
class CheckpointHook:
    """When to write checkpoints, which to keep, and by which metrics to keep the best.

    ``save_best`` takes any metric of the validation, also one class's (``'IoU/road'``); ``'auto'`` is the first one.
    """

    interval: int = -1
    by_epoch: bool = True
    save_optimizer: bool = True
    save_param_scheduler: bool = True
    out_dir: str | None = None
    max_keep_ckpts: int = -1
    save_last: bool = True
    save_best: str | Sequence[str] | None = None
    rule: str | Sequence[str] | None = None
    greater_keys: Sequence[str] | None = None
    less_keys: Sequence[str] | None = None
    file_client_args: Mapping[str, Any] | None = None
    backend_args: Mapping[str, Any] | None = None
    filename_tmpl: str | None = None
    published_keys: str | Sequence[str] | None = None
    save_begin: int = 0

    def __post_init__(self) -> None:
        published_keys(self.published_keys)
        rules = [self.rule] if isinstance(self.rule, str) else list(self.rule or [])
        if len(rules) not in (0, 1, len(self.best)):
            raise ValueError(f"{len(self.best)} metrics in save_best need one rule or as many, got {len(rules)}")
        for metric in self.best:
            if metric != "auto":
                self.greater(metric)

    @property
    def best(self) -> tuple[str, ...]:
        """The metrics of ``save_best``."""
        return (self.save_best,) if isinstance(self.save_best, str) else tuple(self.save_best or ())

    def greater(self, metric: str, name: str | None = None) -> bool:
        """Whether more of ``metric``, an entry of ``save_best``, is better; ``name`` is what ``'auto'`` stands for.

        Keys are names, or parts of names, as in mmengine; a name goes before a part.
        """
        name = name or metric
        for fits in (lambda key: key == name, lambda key: key.lower() in name.lower()):
            if any(fits(key) for key in self.greater_keys or ()):
                return True
            if any(fits(key) for key in self.less_keys or ()):
                return False
        rules = [self.rule] if isinstance(self.rule, str) else list(self.rule or [None])  # type: ignore[list-item]
        index = self.best.index(metric) if metric in self.best else 0
        return is_greater_better(name, rules[index if len(rules) > 1 else 0])


@dataclass(frozen=True, kw_only=True)
class LoggerHook:
    """How often a line of the log is written; the other settings concern mmengine's own files."""

    interval: int = 10
    ignore_last: bool = True
    interval_exp_name: int = 1000
    out_dir: str | None = None
    out_suffix: Sequence[str] | str = ""
    keep_local: bool = True
    file_client_args: Mapping[str, Any] | None = None
    backend_args: Mapping[str, Any] | None = None
    log_metric_by_epoch: bool = True

    def __post_init__(self) -> None:
        if self.interval < 1:
            raise ValueError(f"interval must be at least 1, got {self.interval}")


#: Kinds of averages, and those of their arguments that not all have.
AVERAGES: dict[str, tuple[str, ...]] = {
    "ExponentialMovingAverage": ("momentum",),
    "MomentumAnnealingEMA": ("momentum", "gamma"),
    "StochasticWeightAverage": (),
}


@dataclass(frozen=True, kw_only=True)
class EMAHook:
    """Keep an average of the weights; validate with it and save it (see `segue.training.averaging`)."""

    ema_type: str = "ExponentialMovingAverage"
    strict_load: bool = False
    begin_iter: int = 0
    begin_epoch: int = 0
    momentum: float | None = None
    gamma: int | None = None
    interval: int = 1
    device: str | None = None
    update_buffers: bool = False

    def __post_init__(self) -> None:
        if self.ema_type not in AVERAGES:
            raise ValueError(f"ema_type must be one of {', '.join(AVERAGES)}, got {self.ema_type!r}")
        for name in ("momentum", "gamma"):
            if getattr(self, name) is not None and name not in AVERAGES[self.ema_type]:
                raise ValueError(f"{self.ema_type} has no argument {name!r}")
            if getattr(self, name) is None:
                object.__setattr__(self, name, {"momentum": 0.0002, "gamma": 100}[name])
        if not 0 < self.weight < 1:
            raise ValueError(f"momentum must lie in (0, 1), got {self.momentum}")
        for name, least in (("begin_iter", 0), ("begin_epoch", 0), ("interval", 1), ("gamma", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}")
        if self.begin_iter and self.begin_epoch:
            raise ValueError("begin_iter and begin_epoch cannot both be given")

    @property
    def weight(self) -> float:
        """``momentum``, or its default."""
        return self.momentum or 0.0


@dataclass(frozen=True, kw_only=True)
class EarlyStoppingHook:
    """Stop when ``monitor`` has not improved by ``min_delta`` in ``patience`` validations."""

    monitor: str
    rule: str | None = None
    min_delta: float = 0.1
    strict: bool = False
    check_finite: bool = True
    patience: int = 5
    stopping_threshold: float | None = None

    def __post_init__(self) -> None:
        is_greater_better(self.monitor, self.rule)


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """What is drawn, of every ``interval``-th batch.

    Attributes:
        show: in a window, where there is a display, for ``wait_time`` seconds; nothing is written then.
        truth, predicted: which labels.
        in_training: in validations of a training, too.
    """

    interval: int = 50
    show: bool = False
    wait_time: float = 0.0
    truth: bool = True
    predicted: bool = True
    in_training: bool = True


@dataclass(frozen=True, kw_only=True)
class SegVisualizationHook:
    """Draw every ``interval``-th batch of validations and tests (see `segue.training.pictures`); only with ``draw``."""

    draw: bool = False
    interval: int = 50
    show: bool = False
    wait_time: float = 0.0
    backend_args: Mapping[str, Any] | None = None
    file_client_args: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.interval < 1:
            raise ValueError(f"interval must be at least 1, got {self.interval}")

    def drawing(self) -> Drawing | None:
        """What is drawn; None where nothing is."""
        drawing = Drawing(interval=self.interval, show=self.show, wait_time=self.wait_time)
        return drawing if self.draw else None


@dataclass(frozen=True, kw_only=True)
class NaiveVisualizationHook:
    """Draw every ``interval``-th batch of tests."""

    interval: int = 1
    draw_gt: bool = True
    draw_pred: bool = True

    def __post_init__(self) -> None:
        if self.interval < 1:
            raise ValueError(f"interval must be at least 1, got {self.interval}")

    def drawing(self) -> Drawing:
        """What is drawn."""
        shown = {"truth": self.draw_gt, "predicted": self.draw_pred}
        return Drawing(interval=self.interval, in_training=False, **shown)


@dataclass(frozen=True)
class CustomHook:
    """A hook of the user's own: a Lightning callback, or a class with mmengine's hook points.

    It is registered or named by its import path; ``priority`` orders those with mmengine's hook points.
    """

    cls: Any
    arguments: Mapping[str, Any]
    key: str
    priority: int | str | None = None


@dataclass(frozen=True, kw_only=True)
class Hooks:
    """All translated hooks of a config."""

    checkpoint: CheckpointHook = field(default_factory=lambda: CheckpointHook(interval=1))
    logger: LoggerHook = field(default_factory=LoggerHook)
    ema: EMAHook | None = None
    early_stopping: EarlyStoppingHook | None = None
    pictures: SegVisualizationHook | NaiveVisualizationHook | None = None
    emptying: EmptyCacheHook | None = None
    buffers: SyncBuffersHook | None = None
    profiler: ProfilerHook | None = None
    custom: tuple[CustomHook, ...] = ()


#: Hooks whose settings drive a callback, and the field of `Hooks` they fill.
TRANSLATED: dict[str, tuple[str, type]] = {
    "CheckpointHook": ("checkpoint", CheckpointHook),
    "LoggerHook": ("logger", LoggerHook),
    "EMAHook": ("ema", EMAHook),
    "EarlyStoppingHook": ("early_stopping", EarlyStoppingHook),
    "SegVisualizationHook": ("pictures", SegVisualizationHook),
    "NaiveVisualizationHook": ("pictures", NaiveVisualizationHook),
    "EmptyCacheHook": ("emptying", EmptyCacheHook),
    "SyncBuffersHook": ("buffers", SyncBuffersHook),
    "ProfilerHook": ("profiler", ProfilerHook),
}


def hook_nodes(defaults: Mapping[str, Any] | None, custom: Sequence[Any] | None) -> list[tuple[str, Any]]:
    """The dicts of all hooks with their key paths."""
    nodes = [(f"default_hooks.{name}", node) for name, node in (defaults or {}).items()]
    return nodes + [(f"custom_hooks.{index}", node) for index, node in enumerate(custom or ())]


def read_hooks(
    defaults: Mapping[str, Any] | None,
    custom: Sequence[Mapping[str, Any]] | None,
    rights: Rights = Rights.NAMED,
) -> Hooks:
    """Translate ``default_hooks`` and ``custom_hooks``; a default hook set to None is switched off."""
    table: dict[str, Any] = {**TRANSLATED, **ACCEPTED}
    found: dict[str, Any] = {}
    customs: list[CustomHook] = []
    problems = name_problems(defaults or {})
    for key, node in hook_nodes(defaults, custom):
        if node is None:
            if key == "default_hooks.checkpoint":  # nothing asked for is nothing written, except by Ctrl-C
                found["checkpoint"] = CheckpointHook(save_last=False)
            continue
        try:
            name = type_name(node, key)
            priority = node.get("priority")
            try:
                rank_of(priority)
            except ValueError as error:
                problems.append(Problem(f"{key}.priority", str(error)))
                priority = None
            node = {name: value for name, value in node.items() if name != "priority"}
            users = None
            if name not in table or replaces(node["type"], name):
                users = users_own(node["type"], "hooks", f"{key}.type", rights)
            if users is not None:
                arguments = {k: v for k, v in node.items() if k not in ("type", "_scope_")}
                customs.append(CustomHook(users, arguments, key, priority))
                continue
            entry = lookup(table, name, key, "hook")
            if isinstance(entry, Accepted):
                problems += unknown_arguments(node, name, entry, key)
                continue
            if name == "EMAHook" and "ema_type" in node:
                node["ema_type"] = str(node["ema_type"]).rsplit(".", 1)[-1]
            found[entry[0]] = settings(entry[1], node, key)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return Hooks(**found, custom=tuple(customs))
