"""What a constructor takes: its parameters with their annotations, options flattened."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from segue.types import Activation


@dataclass(frozen=True)
class Parameter:
    """What a constructor takes under one name; ``group`` is the options dataclass that it is a field of."""

    annotation: Any
    required: bool
    group: str = ""
    default_config: Mapping[str, Any] | None = None


@functools.cache
def signature(target: Any) -> tuple[dict[str, Parameter], bool]:
    """The parameters of a class, function or partial by name, options flattened; and whether it takes any keyword."""
    function = target.func if isinstance(target, functools.partial) else target
    try:
        hints = typing.get_type_hints(function.__init__ if inspect.isclass(function) else function)
    except (NameError, AttributeError, TypeError):  # a user's class may be annotated with names of a type checker only
        hints = {}
    found: dict[str, Parameter] = {}
    takes_any = False
    for name, parameter in inspect.signature(target).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            takes_any = True
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        annotation = hints.get(name, Any)
        if name == "options" and dataclasses.is_dataclass(annotation):
            fields = typing.get_type_hints(annotation)
            for field in dataclasses.fields(annotation):
                if field.name in getattr(function, "UNFIT", ()):  # options that this class refuses
                    continue
                required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
                found[field.name] = Parameter(fields[field.name], required, name, field.metadata.get("config"))
            continue
        found[name] = Parameter(annotation, parameter.default is parameter.empty)
    return found, takes_any


def options_class(target: Any, group: str) -> type:
    """The dataclass that a constructor takes as its parameter ``group``."""
    function = target.func if isinstance(target, functools.partial) else target
    options: type = typing.get_type_hints(function.__init__)[group]
    return options


def alternatives(annotation: Any) -> list[Any]:
    """``int | Sequence[int] | None`` to its members without None; nothing where anything goes."""
    if annotation in (Any, inspect.Parameter.empty):
        return []
    if annotation == Activation:
        return [annotation]
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return [a for a in typing.get_args(annotation) if a is not type(None)]
    return [annotation]
