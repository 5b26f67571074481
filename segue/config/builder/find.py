"""Which class a config's ``type`` means: the name leads to the file, so nothing is listed by hand.

``type="PSPHead"`` in the room ``heads`` is the name ``PSPHead`` in the file whose stem is the longest that starts the
name, ignoring case and underscores: ``heads/psp.py``. Only that file is imported. Before that come the classes that
user code registered; a name with dots that is no scope of the OpenMMLab family is an import path.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from collections.abc import Callable
from types import ModuleType
from typing import Any

from segue.config.builder.register import SCOPES, registered
from segue.errors import fold, nearest

ROOMS = ("models", "backbones", "necks", "heads", "losses", "datasets", "transforms", "metrics")


class UnknownNameError(LookupError):
    """No component of that name; the message proposes the nearest."""


def find(room: str, name: str) -> Callable[..., Any]:
    """The class (or function) that ``type=name`` means in a room.

    Raises:
        UnknownNameError: the room has no component of this name.
    """
    scope, _, rest = name.partition(".")
    if rest and scope in SCOPES and "." not in rest:
        name = rest
    if name in registered:
        return registered[name]
    if "." in name:
        return _import_path(name)
    folded = fold(name)
    fitting = [stem for stem in stems(room) if folded.startswith(fold(stem))]
    for stem in sorted(fitting, key=len, reverse=True):
        module = importlib.import_module(f"segue.{room}.{stem}")
        found = _components(module).get(name)
        if found is not None:
            return found
    raise UnknownNameError(f"there is no {name!r} in {room}{nearest(name, names(room))}")


def names(room: str) -> list[str]:
    """All names of a room that configs can use, sorted; imports its files."""
    found = {name for stem in stems(room) for name in _components(importlib.import_module(f"segue.{room}.{stem}"))}
    return sorted(found | set(registered))


@functools.cache
def stems(room: str) -> tuple[str, ...]:
    """The names of a room's files."""
    package = importlib.import_module(f"segue.{room}")
    return tuple(info.name for info in pkgutil.iter_modules(package.__path__) if not info.ispkg)


def _components(module: ModuleType) -> dict[str, Callable[..., Any]]:
    """The names defined in a file that start with its stem: classes, and classes with some arguments fixed."""
    stem = fold(module.__name__.rpartition(".")[2])
    found = {}
    for name, value in vars(module).items():
        if name.startswith("_") or not fold(name).startswith(stem):
            continue
        own_class = inspect.isclass(value) and value.__module__ == module.__name__
        if own_class or isinstance(value, functools.partial):
            found[name] = value
    return found


def _import_path(path: str) -> Callable[..., Any]:
    module, _, name = path.rpartition(".")
    try:
        found: Callable[..., Any] = getattr(importlib.import_module(module), name)
        return found
    except ModuleNotFoundError as error:
        raise UnknownNameError(f"the type {path!r} is an import path, but {error}") from error
    except AttributeError as error:
        raise UnknownNameError(f"the module {module!r} has no {name!r}") from error
