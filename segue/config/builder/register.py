"""The user's own classes: registered by a decorator, or by the modules that ``custom_imports`` names."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, overload

from segue.config.origins import origin_of
from segue.config.trust import SCOPES, import_names, location, project_on_path, registered, say
from segue.errors import ConfigError, Problem

__all__ = ["SCOPES", "aside", "import_custom", "register", "registered"]

T = TypeVar("T")
#: What user code registered where training takes Segue's own only (loops, schedules ...), by name: its class.
aside: dict[str, Any] = {}


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
    known = registered.get(key)
    if known is not None and (known.__module__, known.__qualname__) != (component.__module__, component.__qualname__):
        raise ConfigError(f"two classes are registered as {key!r}: {known.__module__} and {component.__module__}")
    registered[key] = component
    return component


def import_custom(cfg: Mapping[str, Any]) -> None:
    """Import the modules of a config's ``custom_imports``, which register the user's classes: they are run, as is said.

    They are looked up like any import, and in the working directory. Modules of the OpenMMLab family are passed over:
    what configs need of them is here.

    Raises:
        ConfigError: a module cannot be imported, unless ``allow_failed_imports`` is set.
    """
    wanted = cfg.get("custom_imports") or {}
    where = str(origin_of(cfg, "custom_imports") or "")
    modules = wanted.get("imports") or () if isinstance(wanted, Mapping) else None
    listed = [modules] if isinstance(modules, str) else modules
    if not isinstance(listed, (list, tuple)) or not all(_is_module_name(name) for name in listed):
        example = "dict(imports=['my_project.heads'], allow_failed_imports=False)"
        raise ConfigError(Problem("custom_imports", f"expected {example}, not {wanted!r}", where))
    for name in import_names(cfg):
        if location(name.partition(".")[0]) == "standard library":
            message = f"{name!r} is of Python's standard library, which registers nothing; leave it out"
            raise ConfigError(Problem("custom_imports", message, where))
        project_on_path()
        say(f"importing {name}, which custom_imports names: it is run", name)
        try:
            importlib.import_module(name)
        except ImportError as error:
            if not wanted.get("allow_failed_imports"):
                message = f"{name!r} cannot be imported: {error}; run from the folder that holds it, or install it"
                raise ConfigError(Problem("custom_imports", message, where)) from error
            say(f"custom_imports: {name!r} cannot be imported: {error}; allow_failed_imports=True goes on", f"{name}?")


def _is_module_name(name: Any) -> bool:
    return isinstance(name, str) and all(part.isidentifier() for part in name.split("."))
