"""Optimizers by name: torch's, those that the user registered, and the schedule-free ones of a package of their own."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from segue.config.trust import registered
from segue.errors import ConfigError, Problem
from segue.training.translate import lookup, type_name

#: of the package ``schedulefree``
SCHEDULE_FREE = ("AdamWScheduleFree", "RAdamScheduleFree", "SGDScheduleFree")


def is_schedule_free(kind: Any) -> bool:
    """Whether a config's ``type`` is one of them, by name or as a class."""
    name = kind if isinstance(kind, str) else getattr(kind, "__name__", "")
    return str(name).rpartition(".")[2] in SCHEDULE_FREE and name not in registered


def torch_optimizers() -> dict[str, type[torch.optim.Optimizer]]:
    """The optimizer classes of torch by name."""
    base = torch.optim.Optimizer
    found = {name: item for name, item in vars(torch.optim).items() if inspect.isclass(item)}
    found |= {name: item for name, item in registered.items() if inspect.isclass(item)}
    return {name: item for name, item in found.items() if issubclass(item, base) and item is not base}


def optimizer_class(node: Mapping[str, Any], key: str) -> type[torch.optim.Optimizer]:
    """What the config's ``type`` names.

    Raises:
        ConfigError: nothing, or the package is missing.
    """
    kind = node.get("type")
    if inspect.isclass(kind):
        return kind  # type: ignore[return-value]
    if not is_schedule_free(kind):
        named: dict[str, Any] = {**dict.fromkeys(SCHEDULE_FREE), **torch_optimizers()}
        found: type[torch.optim.Optimizer] = lookup(named, type_name(node, key), key, "optimizer")
        return found
    try:
        import schedulefree
    except ImportError as error:
        message = f"{kind} needs the package schedulefree: pip install schedulefree"
        raise ConfigError(Problem(f"{key}.type", message)) from error
    own: type[torch.optim.Optimizer] = getattr(schedulefree, str(kind).rpartition(".")[2])
    return own


def kind_problems(cls: type, node: Mapping[str, Any], key: str) -> Iterator[Problem]:
    """Arguments of another kind than the default of torch's class has; torch would compare them and say just that."""
    known = cls.__module__.startswith(("torch.", "schedulefree"))
    parameters = inspect.signature(cls).parameters if known else {}
    for name, value in node.items():
        default = parameters[name].default if name in parameters else None
        if isinstance(default, bool) and not isinstance(value, bool):
            yield Problem(f"{key}.{name}", f"True or False is expected, not {value!r:.60}")
        elif isinstance(default, tuple) and not (
            isinstance(value, (list, tuple)) and len(value) == len(default) and all(map(is_number, value))
        ):
            yield Problem(f"{key}.{name}", f"{len(default)} numbers are expected, not {value!r:.60}")
        elif type(default) in (int, float) and not is_number(value):
            yield Problem(f"{key}.{name}", f"a number is expected, not {value!r:.60}")


def is_number(value: Any) -> bool:
    """Whether it is a number that arithmetic stays finite with."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) <= sys.float_info.max  # false for nan, infinity and integers beyond any float
