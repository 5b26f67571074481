"""Which class a config's ``type`` means: the name leads to the file, so nothing is listed by hand.

``type="PSPHead"`` in the room ``heads`` is the name ``PSPHead`` in the file whose stem is the longest that starts the
name,
ignoring case and underscores: ``heads/psp.py``. Only that file is imported. Before that come the classes that user code
registered; a name with dots that is no scope of the OpenMMLab family is an import path.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import inspect
import os
import pkgutil
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, TypeVar, overload

from segue.config.origins import origin_of
from segue.errors import ConfigError, Problem

ROOMS = ("models", "backbones", "necks", "heads", "losses", "datasets", "transforms", "metrics")
#: Prefixes such as ``mmdet.`` that configs put before a type; Segue has these components itself.
SCOPES = ("mmseg", "mmengine", "mmcv", "mmdet", "mmpretrain", "mmcls", "segue")

T = TypeVar("T")
_registered: dict[str, Callable[..., Any]] = {}


class UnknownNameError(LookupError):
    """No component of that name; the message proposes the nearest."""


@overload
def register(component: T) -> T: ...
@overload
def register(component: None = None, *, name: str | None = None) -> Callable[[T], T]: ...
def register(component: Any = None, *, name: str | None = None) -> Any:
    """Make your own class usable as ``type=...`` in configs, before any of Segue's of that name.

    Use it as ``@segue.register``, or ``@segue.register(name="MyHead")``.

    Raises:
        ConfigError: another class has that name already.
    """
    if component is None:
        return functools.partial(register, name=name)
    key = name or component.__name__
    known = _registered.get(key)
    if known is not None and (known.__module__, known.__qualname__) != (component.__module__, component.__qualname__):
        raise ConfigError(f"two classes are registered as {key!r}: {known.__module__} and {component.__module__}")
    _registered[key] = component
    return component


def find(room: str, name: str) -> Callable[..., Any]:
    """The class (or function) that ``type=name`` means in a room.

    Raises:
        UnknownNameError: there is none.
    """
    scope, _, rest = name.partition(".")
    if rest and scope in SCOPES and "." not in rest:
        name = rest
    if name in _registered:
        return _registered[name]
    if "." in name:
        return _import_path(name)
    folded = _fold(name)
    stems = [stem for stem in _stems(room) if folded.startswith(_fold(stem))]
    for stem in sorted(stems, key=len, reverse=True):
        module = importlib.import_module(f"segue.{room}.{stem}")
        found = _components(module).get(name)
        if found is not None:
            return found
    raise UnknownNameError(f"there is no {name!r} in {room}{nearest(name, names(room))}")


def import_custom(cfg: Mapping[str, Any]) -> None:
    """Import the modules of a config's ``custom_imports``, which register the user's classes.

    They are looked up like any import, and in the working directory. Modules of the OpenMMLab family are passed over:
    what configs need of them is here.

    Raises:
        ConfigError: a module cannot be imported, unless ``allow_failed_imports`` is set.
    """
    wanted = cfg.get("custom_imports") or {}
    modules = wanted.get("imports") or ()
    for name in [modules] if isinstance(modules, str) else modules:
        if name.partition(".")[0] in SCOPES:
            continue
        if "" not in sys.path and os.getcwd() not in sys.path:
            sys.path.append(os.getcwd())
        try:
            importlib.import_module(name)
        except ImportError as error:
            if not wanted.get("allow_failed_imports"):
                message = f"{name!r} cannot be imported: {error}; run from the folder that holds it, or install it"
                raise ConfigError(Problem("custom_imports", message, str(origin_of(cfg, "custom_imports")))) from error


def names(room: str) -> list[str]:
    """All names of a room that configs can use, sorted; imports its files."""
    found = {name for stem in _stems(room) for name in _components(importlib.import_module(f"segue.{room}.{stem}"))}
    return sorted(found | set(_registered))


def nearest(name: str, choices: list[str]) -> str:
    """`` (did you mean 'X'?)``, or the choices where there are few, or nothing: the end of a message."""
    folded = {_fold(choice): choice for choice in choices}
    close = [choice for choice in folded if len(name) > 3 and choice.startswith(_fold(name))]
    close = close or difflib.get_close_matches(_fold(name), folded, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {folded[close[0]]!r}?"
    return f"; there are: {', '.join(choices)}" if 0 < len(choices) <= 12 else ""


def _fold(name: str) -> str:
    return name.replace("_", "").lower()


@functools.cache
def _stems(room: str) -> tuple[str, ...]:
    package = importlib.import_module(f"segue.{room}")
    return tuple(info.name for info in pkgutil.iter_modules(package.__path__) if not info.ispkg)


def _components(module: ModuleType) -> dict[str, Callable[..., Any]]:
    """The names defined in a file that start with its stem: classes, and classes with some arguments fixed."""
    stem = _fold(module.__name__.rpartition(".")[2])
    found = {}
    for name, value in vars(module).items():
        if name.startswith("_") or not _fold(name).startswith(stem):
            continue
        own_class = inspect.isclass(value) and value.__module__ == module.__name__
        if own_class or isinstance(value, functools.partial):
            found[name] = value
    return found


def _import_path(path: str) -> Callable[..., Any]:
    module, _, name = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        raise UnknownNameError(f"the type {path!r} is an import path, but {error}") from error
    except AttributeError as error:
        raise UnknownNameError(f"the module {module!r} has no {name!r}") from error
