"""Config dicts of the training sections to typed settings, with errors that name the nearest valid spelling.

The dicts that mmengine would have handed to its registries (loops, hooks, schedules, samplers) are translated here:
a table maps each documented ``type`` to a frozen dataclass whose fields are its documented arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar

from segue.errors import ConfigError, Problem, nearest

T = TypeVar("T")


def type_name(node: Mapping[str, Any], key: str, default: str | None = None) -> str:
    """The ``type`` of a config dict as a bare name: ``'mmengine.EMAHook'`` and the class give ``EMAHook``."""
    given = node.get("type", default)
    if given is None:
        raise ConfigError(Problem(key, f"a dict(type='...') is expected, got {dict(node)!r}"))
    name = given if isinstance(given, str) else getattr(given, "__name__", str(given))
    return name.rsplit(".", 1)[-1]


def lookup(table: Mapping[str, T], name: str, key: str, kind: str) -> T:
    """The entry of ``table`` for a config's ``type``; a ConfigError with the nearest name if there is none."""
    try:
        return table[name]
    except KeyError:
        raise ConfigError(Problem(key, f"there is no {kind} {name!r}{nearest(name, sorted(table))}")) from None


def settings(cls: type[T], node: Mapping[str, Any], key: str) -> T:
    """Build the settings dataclass ``cls`` from a config dict, refusing arguments it does not have.

    As everywhere in Segue, the config key ``x_cfg`` feeds the field ``x``.
    """
    known = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]
    given = {}
    for arg, value in node.items():
        if arg not in ("type", "_scope_"):
            given[arg if arg in known else arg.removesuffix("_cfg")] = value
    name = cls.__name__
    problems = [
        Problem(f"{key}.{arg}", f"{name} has no argument {arg!r}{nearest(arg, sorted(known))}")
        for arg in given
        if arg not in known
    ]
    problems += [
        Problem(f"{key}.{arg}", f"{name} needs the argument {arg!r}")
        for arg, f in known.items()
        if arg not in given and f.default is MISSING and f.default_factory is MISSING
    ]
    if problems:
        raise ConfigError(problems)
    try:
        return cls(**given)
    except (TypeError, ValueError) as error:
        raise ConfigError(Problem(key, str(error))) from error
