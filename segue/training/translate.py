"""Config dicts of the training sections to typed settings, with errors that name the nearest valid spelling.

The dicts that mmengine would have handed to its registries (loops, hooks, schedules, samplers) are translated here:
a table maps each documented ``type`` to a frozen dataclass whose fields are its documented arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar, get_args, get_type_hints

from segue.config.builder.find import UnknownNameError, own
from segue.config.builder.leaves import short, spell
from segue.config.builder.plan import Planner
from segue.config.builder.signature import alternatives
from segue.config.trust import SCOPES, Rights, bare, registered
from segue.errors import ConfigError, Problem, nearest

T = TypeVar("T")


def type_name(node: Mapping[str, Any], key: str, default: str | None = None) -> str:
    """The ``type`` of a config dict as a name: ``'mmengine.EMAHook'`` and the class give ``EMAHook``.

    An import path outside the OpenMMLab family stays whole.
    """
    if not isinstance(node, Mapping):
        raise ConfigError(Problem(key, f"a dict(type='...') is expected, got {short(node)}"))
    given = node.get("type", default)
    if given is None or not (isinstance(given, str) or callable(given)):
        raise ConfigError(Problem(key, f"a dict(type='...') is expected, got {dict(node)!r}"))
    name = given if isinstance(given, str) else getattr(given, "__name__", str(given))
    return bare(name)


def users_own(kind: Any, place: str, key: str, rights: Rights = Rights.NAMED) -> Any:
    """The class that user code registered as ``type``, that an import path leads to, or that stands there itself.

    None where the type is a name of Segue's tables, or of nothing.

    Raises:
        ConfigError: an import path that the config may not use.
    """
    if kind is None or not isinstance(kind, str):
        return kind
    try:
        return own(place, kind, rights)
    except UnknownNameError as error:
        raise ConfigError(Problem(key, str(error))) from error


def replaces(kind: Any, name: str) -> bool:
    """Whether a ``type`` that is also a name of Segue's tables means the user's class: registered, or given itself."""
    if isinstance(kind, str):
        return name in registered
    return callable(kind) and not of_family(kind)


def of_family(thing: Any) -> bool:
    """Whether a class or function is of Segue, or of the packages whose work it does."""
    return str(getattr(thing, "__module__", "")).partition(".")[0] in (*SCOPES, "torch")


def lookup(table: Mapping[str, T], name: str, key: str, kind: str) -> T:
    """The entry of ``table`` for a config's ``type``; a ConfigError with the nearest name if there is none."""
    try:
        return table[name]
    except KeyError:
        raise ConfigError(Problem(key, f"there is no {kind} {name!r}{nearest(name, sorted(table))}")) from None


def settings(cls: type[T], node: Mapping[str, Any], key: str) -> T:
    """Build the settings dataclass ``cls`` from a config dict, refusing arguments that it does not have and values of
    another kind than the field is annotated with.

    As everywhere in Segue, the config key ``x_cfg`` feeds the field ``x``.
    """
    known = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]
    given, written = {}, {}
    for arg, value in node.items():
        if arg not in ("type", "_scope_"):
            own = arg if arg in known else arg.removesuffix("_cfg")
            given[own], written[own] = value, arg
    name = cls.__name__
    problems = [
        Problem(f"{key}.{written[arg]}", f"{name} has no argument {written[arg]!r}{nearest(arg, sorted(known))}")
        for arg in given
        if arg not in known
    ]
    problems += [
        Problem(f"{key}.{arg}", f"{name} needs the argument {arg!r}")
        for arg, f in known.items()
        if arg not in given and f.default is MISSING and f.default_factory is MISSING
    ]
    planner = Planner({})
    hints = get_type_hints(cls)
    for arg, value in given.items():
        if arg in known and value is not None:
            planner.value(value, hints[arg], f"{key}.{written[arg]}", arg)
        elif arg in known and type(None) not in get_args(hints[arg]) and hints[arg] is not Any:
            planner.problem(f"{key}.{written[arg]}", f"expected {spell(alternatives(hints[arg]))}, not None")
    if problems or planner.problems:
        raise ConfigError([*problems, *planner.problems])
    try:
        return cls(**given)
    except (TypeError, ValueError, OverflowError) as error:
        raise ConfigError(Problem(key, str(error))) from error
