"""A project's copy of mmseg: which of its names are the project's own, told by content. Nothing is run.

A name is the project's own if its statement was in no release of mmseg (`segue.reference.released`), if it uses a name
that is, or if Segue has nothing of that name. Where a file lies in the copy plays no part.
"""

from __future__ import annotations

import ast
import os
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from segue.reference.names import known, offers
from segue.reference.released import digest, digest_of, is_docstring, released

PACKAGE = "mmseg"
#: what Segue's engine stands on: of these files only names that Segue has not are taken from a copy
ENGINE = (
    *("mmseg.apis", "mmseg.registry", "mmseg.structures", "mmseg.engine", "mmseg.utils", "mmseg.version"),
    *("mmseg.core.builder", "mmseg.core.evaluation", "mmseg.core.hook", "mmseg.core.hooks", "mmseg.core.utils"),
    *("mmseg.core.optimizers", "mmseg.core.optimizer", "mmseg.evaluation", "mmseg.visualization"),
    *("mmseg.datasets.builder", "mmseg.datasets.custom", "mmseg.datasets.basesegdataset", "mmseg.datasets.pipelines"),
    *("mmseg.datasets.dataset_wrappers", "mmseg.datasets.samplers", "mmseg.models.builder"),
    *("mmseg.models.data_preprocessor", "mmseg.models.segmentors.base"),
)
LARGEST = 1 << 20  # bytes of a source


class Unit:
    """A statement of a file's top level: the names it binds, what it reads, and under which names it registers."""

    def __init__(self, node: ast.stmt, lines: list[str]) -> None:
        self.node, self._lines = node, lines
        self.names = tuple(_bound([node]))

    @cached_property
    def released(self) -> bool:
        """Whether a release of mmseg has the same statement."""
        return digest_of(self.node, self._lines) in released()

    @cached_property
    def reads(self) -> frozenset[str]:
        """The names that it uses; the registry of a decorator is none of them."""
        node = self.node
        inside = [*node.body, *node.bases, *node.keywords] if isinstance(node, ast.ClassDef) else [node]
        found = {n.id for part in inside for n in ast.walk(part) if isinstance(n, ast.Name)}
        return frozenset(found - set(self.names))

    @cached_property
    def registers(self) -> tuple[str, ...]:
        """The names under which decorators register it."""
        return tuple(_registered(self.node))


@dataclass
class File:
    """A file of the copy; ``imports`` is {name in the file: (module, name there)}, ``stars`` the modules of ``*``."""

    path: Path
    module: str
    package: bool
    text: str
    error: str = ""

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree, empty where there is none."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ast.parse(self.text)
        except (SyntaxError, ValueError, RecursionError) as error:
            self.error = f"this cannot be parsed: {error}"
            return ast.Module([], [])

    @cached_property
    def units(self) -> list[Unit]:
        """The statements that bind names, except imports."""
        lines = self.text.splitlines()
        nodes = [node for node in self.tree.body if not isinstance(node, (ast.Import, ast.ImportFrom))]
        return [Unit(node, lines) for node in nodes if not is_docstring(node)]

    @cached_property
    def imports(self) -> dict[str, tuple[str, str]]:
        """The names that come from elsewhere in the copy."""
        return dict(self._imports())

    @cached_property
    def stars(self) -> list[str]:
        """The modules all of whose names are imported."""
        return [module for node, module in self._statements() for alias in node.names if alias.name == "*"]

    def _imports(self) -> Iterator[tuple[str, tuple[str, str]]]:
        for node, module in self._statements():
            for alias in node.names:
                if alias.name != "*":
                    yield alias.asname or alias.name, (module, alias.name)

    def _statements(self) -> Iterator[tuple[ast.ImportFrom, str]]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom):
                module = self.absolute(node.module or "", node.level)
                if module.partition(".")[0] == PACKAGE:
                    yield node, module

    def absolute(self, module: str, level: int) -> str:
        """What ``from ..module import`` means here."""
        if not level:
            return module
        parts = self.module.split(".")
        parts = parts[: len(parts) - level + self.package]
        return ".".join([*parts, *([module] if module else [])])


@dataclass
class Copy:
    """A copy of mmseg.

    Attributes:
        root: the project's folder, which holds ``mmseg``.
        files: by module.
        own: {module: the names in it that are the project's own}.
        registers: {name of a component: the module that registers it}, of own ones.
        engine: modules whose changes are not used, since Segue's own engine is.
    """

    root: Path
    files: dict[str, File] = field(default_factory=dict)
    own: dict[str, set[str]] = field(default_factory=dict)
    registers: dict[str, str] = field(default_factory=dict)
    engine: list[str] = field(default_factory=list)

    def has(self, module: str) -> bool:
        """Whether the copy has a module of that name, or a folder of modules."""
        return module in self.files or any(name.startswith(f"{module}.") for name in self.files)

    def owner(self, module: str, name: str, seen: frozenset[str] = frozenset()) -> str:
        """The module in which a name of a module is an own one, followed through imports; "" where it is none."""
        if name in self.own.get(module, ()):
            return module
        file = self.files.get(module)
        if file is None or module in seen:
            return ""
        places = [file.imports[name]] if name in file.imports else [(star, name) for star in file.stars]
        return next((found for at, of in places if (found := self.owner(at, of, seen | {module}))), "")

    def brings(self) -> list[str]:
        """The files, relative to the project, that have own names."""
        files = [self.files[module].path for module, names in self.own.items() if names]
        return sorted(path.relative_to(self.root).as_posix() for path in files)


def project_of(path: str | Path) -> Path | None:
    """The folder that holds a copy of mmseg and a file: the nearest above it, up to the top of its repository.

    Neither the home folder, nor the root, nor one that anybody may write to is a project, nor what lies above it.
    """
    for folder in Path(path).resolve().parents:
        if folder == Path.home() or folder.parent == folder or others_write(folder):
            return None
        if (folder / PACKAGE / "__init__.py").is_file() and not is_installed(folder):
            return folder
        if (folder / ".git").exists():
            return None
    return None


def others_write(folder: Path) -> bool:
    """Whether anybody may put files into a folder, such as /tmp: what lies there is not the user's project."""
    try:
        return os.name == "posix" and bool(folder.stat().st_mode & 0o002)
    except OSError:
        return True


def is_installed(folder: Path) -> bool:
    """Whether a folder is one where packages are installed."""
    return any(part in ("site-packages", "dist-packages") for part in folder.parts)


def read_copy(root: Path) -> Copy:
    """Read the copy of mmseg in a project's folder."""
    copy = Copy(root)
    for path in sorted((root / PACKAGE).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if not all(part.isidentifier() for part in parts) or path.stat().st_size > LARGEST:
            continue
        package = parts[-1] == "__init__"
        module = ".".join(parts[:-1] if package else parts)
        copy.files[module] = File(path, module, package, path.read_text(encoding="utf-8-sig", errors="replace"))
    changed = [file for file in copy.files.values() if digest(file.text.splitlines()) not in released()]
    for file in changed:
        names = {name for unit in file.units if not unit.released for name in unit.names}
        if is_engine(file.module):
            if not file.package and any(offers(file.module, name) for name in names if not name.startswith("_")):
                copy.engine.append(file.path.relative_to(root).as_posix())
            names = {name for name in names if not offers(file.module, name)}
        if names:
            copy.own[file.module] = names
    for module, file in copy.files.items():
        if "register_module" in file.text and not is_engine(module) and not known(module):
            for unit in file.units:
                if any(not is_segues(name) for name in unit.registers):
                    copy.own.setdefault(module, set()).update(unit.names)
    spread(copy)
    for module, names in copy.own.items():
        for unit in copy.files[module].units:
            if names & set(unit.names):
                copy.registers |= dict.fromkeys(unit.registers, module)
    return copy


def spread(copy: Copy) -> None:
    """Make a name an own one that uses one, such as a class whose base the project changed, until nothing changes."""
    fresh = {name for names in copy.own.values() for name in names}
    while fresh:
        mentions = re.compile(rf"\b(?:{'|'.join(sorted(map(re.escape, fresh)))})\b")
        fresh = set()
        for module, file in copy.files.items():
            if file.package or is_engine(module) or not mentions.search(file.text):
                continue
            own = copy.own.get(module, set())
            theirs = {bound for bound, place in file.imports.items() if copy.owner(*place)}
            for unit in file.units:
                if not own & set(unit.names) and unit.reads & (own | theirs) and unit.names:
                    own = own | set(unit.names)
                    fresh |= set(unit.names)
            if own:
                copy.own[module] = own


def is_engine(module: str) -> bool:
    """Whether a module is of Segue's engine."""
    return any(module == name or module.startswith(f"{name}.") for name in ENGINE)


def is_segues(name: str) -> bool:
    """Whether Segue has a component of a name."""
    return any(offers(package, name) for package in ("mmseg.models", "mmseg.datasets", "mmseg.datasets.transforms"))


def _bound(body: Iterable[ast.stmt]) -> Iterator[str]:
    """The names that statements bind."""
    for node in body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found = [n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)]
            yield from (name for name in found if name != "__all__")
        else:
            for part in ("body", "orelse", "finalbody"):
                yield from _bound(getattr(node, part, None) or [])


def _registered(node: ast.stmt) -> Iterator[str]:
    """The names under which a class or function is registered by its decorators."""
    if not isinstance(node, (ast.ClassDef, ast.FunctionDef)):
        return
    for decorator in node.decorator_list:
        call = decorator if isinstance(decorator, ast.Call) else None
        if not ast.unparse(call.func if call else decorator).endswith("register_module"):
            continue
        values = [*call.args[:1], *(word.value for word in call.keywords if word.arg == "name")] if call else []
        items = [
            item for value in values for item in (value.elts if isinstance(value, (ast.List, ast.Tuple)) else [value])
        ]
        texts = [item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str)]
        yield from texts or [node.name]
