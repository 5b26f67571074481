"""The project whose copy of mmseg is in use: its own names are imported from its files, all others from Segue.

One project is in use at a time. Another one, or a config of none, ends that: what it registered is forgotten, and its
modules go. A module that Segue has, too, stays a view that shows the project's own names beside Segue's.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
import types
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from typing import Any

from segue.config.awaited import AwaitedError, awaited
from segue.reference.copies import PACKAGE, Copy, is_segues
from segue.reference.names import known
from segue.system.shown import visible

#: what `Overlay.find` gives for names that the copy has nothing of
NOTHING = object()
_MOST_NAMED = 4


class Overlay:
    """A copy of mmseg in use.

    Args:
        copy: what is in it.
        held: by a script that runs, so that a config elsewhere does not end it.
    """

    def __init__(self, copy: Copy, held: bool = False) -> None:
        self.copy, self.held = copy, held
        self.loaded: dict[str, types.ModuleType] = {}
        self._undo: list[Callable[[], object]] = []

    def spec(self, name: str) -> ModuleSpec | None:
        """How a module that Segue has nothing of is loaded from the copy."""
        file = self.copy.files.get(name)
        if file is None or known(name):
            return None
        places = [str(file.path.parent)] if file.package else None
        return importlib.util.spec_from_file_location(name, file.path, submodule_search_locations=places)

    def find(self, module: str, name: str, *, own: bool) -> Any:
        """What a module that Segue has, too, shows of the copy, or `NOTHING`; ``own``: only what is the project's own.

        Whatever the file raises when it is run comes through.
        """
        owner = self.copy.owner(module, name)
        if owner:
            return getattr(self.load(owner), name if name in self.copy.own[owner] else self._named(module, name))
        if own:
            return NOTHING
        if self.copy.has(f"{module}.{name}"):
            return importlib.import_module(f"{module}.{name}")
        file = self.copy.files.get(module)
        if file is None or not any(name in unit.names for unit in file.units):
            return NOTHING
        return getattr(self.load(module), name)

    def _named(self, module: str, name: str) -> str:
        """A name as its file has it, followed through ``import ... as``."""
        file = self.copy.files[module]
        return self._named(*file.imports[name]) if name in file.imports else name

    def load(self, module: str) -> types.ModuleType:
        """The file of a module, run; where Segue has the module, too, ``sys.modules`` keeps the view of that name."""
        if not known(module):
            return importlib.import_module(module)
        if module in self.loaded:
            return self.loaded[module]
        file = self.copy.files[module]
        places = [str(file.path.parent)] if file.package else None
        spec = importlib.util.spec_from_file_location(module, file.path, submodule_search_locations=places)
        assert spec is not None and spec.loader is not None
        importlib.import_module(module)  # the view, and those above it
        made = importlib.util.module_from_spec(spec)
        self.loaded[module] = made
        try:
            spec.loader.exec_module(made)
        except BaseException:
            del self.loaded[module]
            raise
        return made

    def withheld(self, module: str, name: str) -> bool:
        """Whether a file of the copy registers what is mmseg's, for which Segue has its own."""
        file = self.copy.files.get(module)
        if file is None or self.copy.registers.get(name) == module:
            return False
        return any(name in unit.registers for unit in file.units) and is_segues(name)

    def remember(self, undo: Callable[[], object]) -> None:
        """What to do at the end."""
        self._undo.append(undo)

    def begin(self) -> None:
        """Await the components, and let the project's folder be imported from."""
        for name, module in self.copy.registers.items():
            awaited[name] = functools.partial(self._awaited, name, module)
        if str(self.copy.root) not in sys.path:
            sys.path.append(str(self.copy.root))
            self.remember(functools.partial(_drop, str(self.copy.root)))
        for line in said(self.copy):
            print(visible(line), file=sys.stderr)

    def _awaited(self, name: str, module: str) -> None:
        try:
            self.load(module)
        except Exception as error:  # the user's file may fail in any way
            file = self.copy.files[module].path.relative_to(self.copy.root).as_posix()
            reason = f"{type(error).__name__}: {error}"
            raise AwaitedError(
                f"{name!r} is registered by the project's {file}, which does not run: {reason}"
            ) from error

    def end(self) -> None:
        """Forget it all."""
        for undo in reversed(self._undo):
            undo()
        awaited.clear()


def _drop(folder: str) -> None:
    if folder in sys.path:
        sys.path.remove(folder)


def clear_modules() -> None:
    """Take mmseg's modules out: views have cached names of the copy, or Segue's."""
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


def said(copy: Copy) -> list[str]:
    """The lines that say whose code runs, and which changes do not."""
    files = copy.brings()
    names = ", ".join(files[:_MOST_NAMED]) + (
        f" and {len(files) - _MOST_NAMED} more" if len(files) > _MOST_NAMED else ""
    )
    lines = []
    if files:
        lines.append(f"{copy.root} has its own {PACKAGE}/: what is the project's own in it is used, and run: {names}")
    if copy.engine:
        lines.append(f"changed in it and not used, since Segue's own is: {', '.join(copy.engine)}")
    return lines


_current: Overlay | None = None


def current() -> Overlay | None:
    """The overlay in use."""
    return _current


def put(overlay: Overlay | None) -> None:
    """Let an overlay be the one in use, in place of the one before; its owner then calls ``begin``."""
    global _current
    if _current is not None:
        _current.end()
    _current = overlay
    clear_modules()
