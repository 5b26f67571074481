"""The training sections of a config, translated and checked together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from segue.config.trust import rights_of
from segue.errors import ConfigError, Problem
from segue.training.data import read_loader
from segue.training.gather import MISSING
from segue.training.hooks import Hooks, read_hooks
from segue.training.loops import Loop, read_evaluation_loop, read_train_loop
from segue.training.optimizers import OptimWrapper, read_optim_wrapper
from segue.training.rules import NEVER, Rule
from segue.training.run_settings import AutoScale
from segue.training.schedule import build_rules
from segue.training.translate import settings


@dataclass(frozen=True)
class Plan:
    """The translated sections of a config; the loop's ``epoch_length`` is still to be filled in."""

    loop: Loop
    wrapper: OptimWrapper
    hooks: Hooks
    mixed_validation: bool


#: Stands in for a loop that cannot be read, so that the schedule's own problems are still found.
UNKNOWN = Loop(by_epoch=False, length=NEVER, epoch_length=1, val_begin=1, val_intervals=((0, 1),))


def read_plan(cfg: Mapping[str, Any], amp: bool) -> Plan:
    """Translate the training sections and report all their problems together."""
    problems: list[Problem] = []
    found: dict[str, Any] = {}

    def attempt(name: str, read: Callable[[], Any]) -> None:
        try:
            found[name] = read()
        except ConfigError as error:
            problems.extend(error.problems)

    for section in ("model", "train_dataloader", "train_cfg", "optim_wrapper"):
        if not cfg.get(section):
            problems.append(Problem(section, MISSING))
    if cfg.get("train_cfg"):
        attempt("loop", lambda: read_train_loop(cfg["train_cfg"], 1, rights_of(cfg)))
    if cfg.get("optim_wrapper"):
        attempt("wrapper", lambda: read_optim_wrapper(cfg["optim_wrapper"], amp=amp, rights=rights_of(cfg)))
    attempt("hooks", lambda: read_hooks(cfg.get("default_hooks"), cfg.get("custom_hooks"), rights_of(cfg)))
    attempt("val", lambda: read_evaluation_loop(cfg.get("val_cfg"), "val_cfg"))
    for name in ("train_dataloader", "val_dataloader"):
        if cfg.get(name):
            attempt(name, lambda name=name: read_loader(cfg[name], name, rights_of(cfg)))  # type: ignore[misc]
    attempt("rules", lambda: rules_of(cfg, found.get("loop", UNKNOWN)))
    if problems:
        raise ConfigError(problems)
    return Plan(found["loop"], found["wrapper"], found["hooks"], found["val"].fp16)


def rules_of(cfg: Mapping[str, Any], loop: Loop) -> list[Rule]:
    """The learning-rate rules for a loop."""
    return build_rules(
        cfg.get("param_scheduler"),
        max_iters=loop.max_iters,
        max_epochs=loop.max_epochs,
        epoch_length=loop.epoch_length,
    )


def lr_scale(cfg: Mapping[str, Any], batch: int) -> float:
    """``auto_scale_lr``: the actual batch size by the one that the learning rate was chosen for."""
    given = settings(AutoScale, cfg.get("auto_scale_lr") or {}, "auto_scale_lr")
    if not given.enable or given.base_batch_size is None:
        return 1.0
    return batch / given.base_batch_size


def config_text(cfg: Any) -> str:
    """The resolved config as Python text."""
    for name in ("pretty_text", "dump"):
        found = getattr(cfg, name, None)
        if found is not None and not isinstance(cfg, dict):
            return str(found() if callable(found) else found)
    return "".join(f"{key} = {value!r}\n" for key, value in cfg.items())


@contextmanager
def located(cfg: Mapping[str, Any]) -> Iterator[None]:
    """Add file and line to the problems of a ConfigError that know only their key."""
    try:
        yield
    except ConfigError as error:
        origin = getattr(cfg, "origin", None)
        if not callable(origin) or all(p.where for p in error.problems):
            raise
        raise ConfigError(
            [p if p.where else replace(p, where=str(origin(p.key) or "")) for p in error.problems]
        ) from None
