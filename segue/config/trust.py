"""What a name in a config may become: the one function that turns an import path into an object, or refuses it.

A config's rights depend on how it came here (`Rights`); docs/security.md has the table. Nothing is imported to find
out whether it may be: where a module lies is looked up, and its source is read, before it is run.
"""

from __future__ import annotations

import ast
import enum
import importlib
import importlib.machinery
import importlib.util
import inspect
import os
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from segue.config.kinds import KINDS, PACKAGES, Kind
from segue.config.origins import origin_of
from segue.errors import Problem
from segue.system.shown import visible

#: Prefixes such as ``mmdet.`` that configs put before a type; Segue has these components itself.
SCOPES = ("mmseg", "mmengine", "mmcv", "mmdet", "mmpretrain", "mmcls", "segue")
#: Keys whose text names a class or a function, wherever they stand.
NAMING = ("type", "constructor", "runner_type", "ema_type")
#: What user code of this process registered under a name; see `segue.config.builder.register`.
registered: dict[str, Callable[..., Any]] = {}

WAY_OUT = (
    "a config may name Segue's components, and classes that its project registers or defines; docs/security.md lists "
    "what else; --trust-config allows anything, if you trust its author"
)
WAY_OUT_INSIDE = (
    "a config inside another file may name Segue's components only; give the config file itself first, or "
    "--trust-config, if you trust its author"
)
_said: set[str] = set()


class Rights(enum.Enum):
    """How a config came here, which decides what it may name."""

    INSIDE = "inside"  # in a file of weights or the like, which somebody else may have written
    NAMED = "named"  # the user gave it as the config
    TRUSTED = "trusted"  # and said that its author is to be trusted


class UnknownNameError(LookupError):
    """No component of that name; the message proposes the nearest."""


class RefusedNameError(UnknownNameError):
    """There may be such an object, but a config of these rights may not name it."""


def rights_of(cfg: Any) -> Rights:
    """The rights of a config; a plain dict is the user's own."""
    rights = getattr(cfg, "_rights", None)
    return rights if isinstance(rights, Rights) else Rights.NAMED


def bare(name: str) -> str:
    """A component's name without the scope or the import path that an OpenMMLab package (or Segue) has it under."""
    return name.rpartition(".")[2] if name.partition(".")[0] in SCOPES else name


def admit(path: str, place: str | None, rights: Rights) -> Callable[..., Any]:
    """The class of an import path, where a config may name it.

    Args:
        path: such as ``my_project.heads.MyHead``.
        place: what it becomes, a key of `segue.config.kinds.KINDS`; None: any of them.
        rights: of the config.

    Raises:
        RefusedNameError: it may not be named, and was not imported.
        UnknownNameError: there is no such module or class.
    """
    module, _, name = path.rpartition(".")
    if not module or not all(part.isidentifier() for part in path.split(".")):
        raise RefusedNameError(f"{path!r} is no import path; {WAY_OUT}")
    if rights is Rights.TRUSTED:
        return _trusted(path, module, name)
    kind = KINDS[place] if place else None
    packages = kind.packages if kind else PACKAGES
    if rights is Rights.INSIDE and not (place == "optimizers" and within(module, ("torch.optim",))):
        raise RefusedNameError(f"{path!r} is an import path; {WAY_OUT_INSIDE}")
    if within(module, packages):
        found: Callable[..., Any] = _attribute(path, module, name)
    else:
        _check_location(path, module, name)
        _check_source(path, module, name)
        say(f"importing {module} of {_folder_of(module)}, which the config names: it is run", module)
        found = _attribute(path, module, name)
    _check_kind(path, found, kind, packages)
    return found


def screen(cfg: Mapping[str, Any], rights: Rights) -> list[Problem]:
    """The import paths anywhere in a config that it may not name, whether or not the place is ever read."""
    if rights is Rights.TRUSTED:
        return []
    problems = []
    if rights is Rights.INSIDE:
        missing = [name for name in import_names(cfg) if name not in sys.modules]
        if missing:
            message = f"{', '.join(map(repr, missing))} would be imported; {WAY_OUT_INSIDE}"
            problems.append(Problem("custom_imports", message, str(origin_of(cfg, "custom_imports") or "")))
    for path, name in _named(cfg, ()):
        if "." not in bare(name):
            continue
        try:
            if rights is Rights.INSIDE:
                admit(name, "optimizers" if path[-2:] == ("optimizer", "type") else None, rights)
            else:
                _screened(name)
        except UnknownNameError as error:
            problems.append(Problem(".".join(map(str, path)), str(error), str(origin_of(cfg, path) or "")))
    return problems


def _screened(path: str) -> None:
    """Refuse what could be named nowhere; the rest is checked where it is used."""
    module, _, name = path.rpartition(".")
    if within(module, PACKAGES):
        admit(path, None, Rights.NAMED)
    elif location(path.partition(".")[0]) != "missing" or not all(part.isidentifier() for part in path.split(".")):
        if not all(part.isidentifier() for part in path.split(".")):
            raise RefusedNameError(f"{path!r} is no import path; {WAY_OUT}")
        _check_location(path, module, name)
        _check_source(path, module, name)


def import_names(cfg: Mapping[str, Any]) -> list[str]:
    """The modules of ``custom_imports`` that are to be imported; what configs need of the OpenMMLab family is here."""
    wanted = cfg.get("custom_imports")
    modules = wanted.get("imports") if isinstance(wanted, Mapping) else wanted
    names = [modules] if isinstance(modules, str) else modules if isinstance(modules, (list, tuple)) else ()
    return [name for name in names if isinstance(name, str) and name.partition(".")[0] not in SCOPES]


def location(top: str) -> str:
    """Where the top-level module of a name lies, without importing it.

    One of ``standard library``, ``installed`` (site-packages), ``project`` (the working directory, or a folder that the
    user put on Python's path), ``process`` (made by code that is running), ``missing``.
    """
    if top in sys.stdlib_module_names:
        return "standard library"
    module = sys.modules.get(top)
    if module is not None and getattr(module, "__file__", None) is None and not hasattr(module, "__path__"):
        return "process"
    places = _places(top)
    if not places:
        return "process" if module is not None else "missing"
    return "installed" if any(_is_installed(place) for place in places) else "project"


def _places(top: str) -> list[str]:
    """The file or folders of a top-level module, looked up on the path and then in the working directory."""
    module = sys.modules.get(top)
    if module is not None and getattr(module, "__file__", None):
        return [str(module.__file__)]
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError, AttributeError):
        spec = None
    spec = spec or importlib.machinery.PathFinder.find_spec(top, [os.getcwd()])
    if spec is None:
        return []
    if spec.origin and spec.has_location:
        return [spec.origin]
    return [str(place) for place in spec.submodule_search_locations or ()]


def _is_installed(place: str) -> bool:
    parts = Path(place).parts
    if "site-packages" in parts or "dist-packages" in parts:
        return True
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    fixed = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib", "scripts")]
    return any(os.path.abspath(place).startswith(os.path.join(root, "")) for root in [own, *filter(None, fixed)])


def _check_location(path: str, module: str, name: str) -> None:
    top = module.partition(".")[0]
    where = location(top)
    if where == "standard library":
        raise RefusedNameError(f"{path!r} is of Python's standard library; {WAY_OUT}")
    if where == "installed":
        raise RefusedNameError(f"{path!r} is of the installed package {top!r}; {WAY_OUT}")
    if where == "missing":
        raise UnknownNameError(f"the type {path!r} is an import path, but there is no module {top!r} here")


def _check_source(path: str, module: str, name: str) -> None:
    """Whether the source of a module that was not imported yet defines a class of that name; it is read, not run."""
    if module in sys.modules or location(module.partition(".")[0]) == "process":
        return
    top, *rest = module.split(".")
    place = _places(top)[0]
    if not rest and os.path.isfile(place):
        file = place
    else:
        folder = os.path.dirname(place) if os.path.isfile(place) else place
        base = os.path.join(folder, *rest)
        file = base + ".py" if os.path.isfile(base + ".py") else os.path.join(base, "__init__.py")
    try:
        with open(file, "rb") as stream:
            tree = ast.parse(stream.read())
    except OSError as error:
        raise UnknownNameError(f"the type {path!r} is an import path, but there is no {file}") from error
    except (SyntaxError, ValueError, RecursionError) as error:
        raise UnknownNameError(f"the type {path!r} is an import path, but {file} is not Python: {error}") from error
    bound = set(_bindings(tree.body, name))
    if not bound:
        raise UnknownNameError(f"the module {module!r} has no {name!r}")
    if bound == {"function"}:
        raise RefusedNameError(f"{path!r} is a function, and only a class can be named by an import path; {WAY_OUT}")


def _bindings(body: list[ast.stmt], name: str) -> Iterator[str]:
    """How the statements of a module bind a name: as a class, a function, or in another way."""
    for node in body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            yield "class"
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == name:
            yield "other" if any("register" in ast.unparse(d) for d in node.decorator_list) else "function"
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(n, ast.Name) and n.id == name for target in targets for n in ast.walk(target)):
                yield "other"
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            if any((alias.asname or alias.name) in (name, "*") for alias in node.names):
                yield "other"
        else:
            for field in ("body", "orelse", "finalbody"):
                yield from _bindings(getattr(node, field, None) or [], name)
            for handler in getattr(node, "handlers", ()):
                yield from _bindings(handler.body, name)


def _attribute(path: str, module: str, name: str) -> Any:
    """The object, from the module that the path names; never through what another module happens to hold."""
    project_on_path()
    try:
        return getattr(importlib.import_module(module), name)
    except ImportError as error:
        raise UnknownNameError(f"the type {path!r} is an import path, but {error}") from error
    except AttributeError as error:
        raise UnknownNameError(f"the module {module!r} has no {name!r}") from error


def _check_kind(path: str, found: Any, kind: Kind | None, packages: tuple[str, ...]) -> None:
    if any(found is known for known in registered.values()):
        return
    if not inspect.isclass(found):
        what = "a function" if callable(found) else f"a {type(found).__name__}"
        raise RefusedNameError(f"{path!r} is {what}, and only a class can be named by an import path; {WAY_OUT}")
    home = str(found.__module__)
    if not within(home, packages) and location(home.partition(".")[0]) not in ("project", "process"):
        raise RefusedNameError(f"{path!r} is {home}.{found.__qualname__}; {WAY_OUT}")
    if kind is not None and not kind.fits(found):
        raise RefusedNameError(f"{path!r} is a class of another kind: expected here is {kind.title}")


def _trusted(path: str, module: str, name: str) -> Callable[..., Any]:
    found: Callable[..., Any] = _attribute(path, module, name)
    say(f"a trusted config names {path}", path)
    return found


def project_on_path() -> None:
    """Let modules of the working directory be imported, after all others."""
    if "" not in sys.path and os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())


def within(module: str, packages: tuple[str, ...]) -> bool:
    """Whether a module is one of some packages, or below it."""
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def say(line: str, about: str) -> None:
    """One line on stderr, once for each thing that it is about, unless that was imported already."""
    if about not in _said and about not in sys.modules:
        _said.add(about)
        print(visible(line), file=sys.stderr)


def _folder_of(module: str) -> str:
    places = _places(module.partition(".")[0])
    return os.path.dirname(places[0]) if places else "this process"


def _named(node: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Every text of a config that names a class, with its key path."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key in NAMING and isinstance(value, str):
                yield (*path, key), value
            else:
                yield from _named(value, (*path, key))
    elif isinstance(node, (list, tuple)):
        for index, item in enumerate(node):
            yield from _named(item, (*path, index))
