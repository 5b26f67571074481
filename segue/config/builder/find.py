"""Which class a config's ``type`` means: the name leads to the file, so nothing is listed by hand.

``type="PSPHead"`` in the room ``heads`` is the name ``PSPHead`` in the file whose stem is the longest that starts the
name, ignoring case and underscores: ``heads/psp.py``. Only that file is imported. Before that come the classes that
user code registered. A name with dots is an import path (`segue.config.trust` decides about those), except below the
packages of the OpenMMLab family and Segue, where only its last part counts.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from collections.abc import Callable
from types import ModuleType
from typing import Any

from segue.config.awaited import awaited, settle
from segue.config.trust import WAY_OUT_INSIDE, Rights, UnknownNameError, admit, bare, registered
from segue.errors import fold, nearest

__all__ = ["ROOMS", "UnknownNameError", "find", "names", "own"]

ROOMS = ("models", "backbones", "necks", "heads", "losses", "datasets", "transforms", "metrics")


def find(room: str, name: str, rights: Rights = Rights.NAMED) -> Callable[..., Any]:
    """The class (or function) that ``type=name`` means in a room, in a config of these rights.

    Raises:
        UnknownNameError: the room has no component of this name, or it may not be named.
    """
    name = bare(name)
    found = own(room, name, rights)
    if found is not None:
        return found
    folded = fold(name)
    fitting = [stem for stem in stems(room) if folded.startswith(fold(stem))]
    for stem in sorted(fitting, key=len, reverse=True):
        module = importlib.import_module(f"segue.{room}.{stem}")
        found = _components(module).get(name)
        if found is not None:
            return found
    hint = f"; {WAY_OUT_INSIDE}" if rights is Rights.INSIDE else ""
    raise UnknownNameError(f"there is no {name!r} in {room}{nearest(name, names(room))}{hint}")


def own(place: str, name: str, rights: Rights = Rights.NAMED) -> Callable[..., Any] | None:
    """What user code registered under a name, or the class of an import path; None where it is neither.

    Raises:
        UnknownNameError: an import path that leads nowhere, or that may not be named.
    """
    name = bare(name)
    settle(name)
    if name in registered:
        return registered[name]
    return admit(name, place, rights) if "." in name else None


def names(room: str) -> list[str]:
    """All names of a room that configs can use, sorted; imports its files."""
    found = {name for stem in stems(room) for name in _components(importlib.import_module(f"segue.{room}.{stem}"))}
    return sorted(found | set(registered) | set(awaited))


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
