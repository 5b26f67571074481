"""Finds modules named ``mmseg...``, ``mmengine...`` and ``mmcv...``: views on the files of this folder."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from segue.compat.forks import overlay
from segue.reference.names import NAMES, VERSIONS, known, missing
from segue.reference.places import ROOMS, modules
from segue.reference.public import definers


class View(types.ModuleType):
    """A module of the old name, whose contents are looked up when they are asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name not in modules().get(self.__name__, {}):
            raise AttributeError(name)
        value = self._find_or_own(name)
        setattr(self, name, value)
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        """The import of a file leaves the function of the same name where it is, such as ``mmcv.ops.nms``."""
        if not (isinstance(value, View) and name in modules().get(self.__name__, {})):
            super().__setattr__(name, value)

    def _find_or_own(self, name: str) -> Any:
        """What the project in use has of its own, then Segue's, then what else is in the project's copy."""
        using = overlay.current()
        if using is None:
            return self._find(name)
        found = using.find(self.__name__, name, own=True)
        if found is not overlay.NOTHING:
            return found
        try:
            return self._find(name)
        except ImportError:
            found = using.find(self.__name__, name, own=False)
            if found is overlay.NOTHING:
                raise
            return found

    def _find(self, name: str) -> Any:
        own = self.__name__
        place = modules().get(own, {}).get(name)
        if place is not None:
            module = importlib.import_module(f"segue.compat.{place}")
            try:
                return getattr(module, name)
            except AttributeError as error:
                raise ImportError(missing(f"{own}.{name}")) from error
        for rooms_of, rooms in ROOMS.items():
            if own == rooms_of or own.startswith(f"{rooms_of}."):
                from segue.compat.components import component

                found = component(name, rooms)
                if found is not None:
                    return found
        if known(f"{own}.{name}") and name not in definers().get(own, {}):  # a file, and not the function in it
            return importlib.import_module(f"{own}.{name}")
        raise ImportError(missing(f"{own}.{name}"), name=own)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *modules().get(self.__name__, {})})


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives out views."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: Any = None) -> Any:
        """A spec for every name below the three packages; loading one that is not there explains why."""
        if fullname.partition(".")[0] not in NAMES:
            return None
        using = overlay.current()
        if using is not None and (spec := using.spec(fullname)) is not None:
            return spec
        if using is not None and path and not using.copy.has(fullname) and not known(fullname):
            return None  # perhaps a compiled module of the project's
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: Any) -> types.ModuleType:
        """The view of that name."""
        using = overlay.current()
        if not known(spec.name) and (using is None or not using.copy.has(spec.name)):
            raise ModuleNotFoundError(missing(spec.name), name=spec.name)
        module = View(spec.name)
        module.__path__ = []
        if spec.name in VERSIONS:  # scripts look for folders beside their package
            module.__file__ = str(Path(__file__).with_name(spec.name) / "__init__.py")
            if using is not None and spec.name in using.copy.files:
                module.__file__ = str(using.copy.files[spec.name].path)
        top = spec.name.partition(".")[0]
        if spec.name in (top, f"{top}.version"):
            module.__version__ = VERSIONS[top]  # type: ignore[attr-defined]
            module.version_info = tuple(int(part) for part in VERSIONS[top].split("."))  # type: ignore[attr-defined]
        module.__all__ = sorted(modules().get(spec.name, {}))  # type: ignore[attr-defined]
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing to run: the contents are looked up."""


def install(force: bool = False) -> None:
    """Make the names importable, after installed packages of these names, or with ``force`` in their place."""
    uninstall(views=False)
    finder = Finder()
    using = overlay.current()
    if not force and using is None:
        sys.meta_path.append(finder)
        return
    for name in [name for name in sys.modules if name.partition(".")[0] in NAMES]:
        if not (isinstance(sys.modules[name], View) or (using is not None and using.copy.has(name))):
            del sys.modules[name]
    sys.meta_path.insert(0, finder)


def uninstall(views: bool = True) -> None:
    """Take the names back; modules that were imported stay where they are in use."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, Finder)]
    if views:
        for name in [name for name, module in sys.modules.items() if isinstance(module, View)]:
            del sys.modules[name]
