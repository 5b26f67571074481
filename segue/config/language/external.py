"""Finds config files of installed packages: ``_base_ = 'mmseg::_base_/default_runtime.py'`` and new-style imports.

Packages are located, never imported.
"""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any

from segue.config.tree import ConfigDict

RECIPES = "segue.recipes.bases"  # a room above this one, which reads its grammar only when it is asked
_PACKAGES = {"mmsegmentation": "mmseg", "mmcls": "mmpretrain", "mmdetection": "mmdet"}


def package_folder(package: str) -> Path | None:
    """The folder of an installed package, or None."""
    if not package.isidentifier():
        return None
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return None
    places = list(spec.submodule_search_locations or []) if spec else []
    return Path(places[0]) if places else None


def find_external(name: str) -> tuple[Path | None, str]:
    """The file that ``package::path`` means, or None with the reason."""
    alias, _, path = name.partition("::")
    package = _PACKAGES.get(alias, alias)
    folder = package_folder(package)
    if folder is None:
        return None, f"the package {package!r} is not installed"
    candidates = [folder / ".mim" / "configs" / path, folder / "configs" / path]
    for candidate in candidates:
        if candidate.is_file():
            return candidate, ""
    return None, f"there is no {candidates[0]}"


def known_base(name: str) -> tuple[dict[str, Any], str] | None:
    """The sections of a config of mmseg and the recipe that they are of, for a base that is no file here.

    ``name`` is what ``_base_`` says: ``mmseg::path``, a path, or the name of a recipe. None: it is none of mmseg's.
    """
    if "::" in name and scope_of(name) != "mmseg":
        return None
    found: tuple[dict[str, Any], str] | None = importlib.import_module(RECIPES).answer(name)
    return found


def find_module(dotted: str, file: str) -> tuple[Path | None, str]:
    """The file that ``from <dotted> import *`` means in ``file``, or None with the reason."""
    level = len(dotted) - len(dotted.lstrip("."))
    parts = dotted[level:].split(".")
    if level:
        folder = Path(file).parent
        for _ in range(level - 1):
            folder = folder.parent
        candidates = [folder.joinpath(*parts).with_suffix(".py")]
    else:
        root = package_folder(parts[0])
        if root is None:
            return None, f"the package {parts[0]!r} is not installed"
        relative = Path(*parts[1:]).with_suffix(".py") if parts[1:] else Path("__init__.py")
        candidates = [root / relative, root / ".mim" / relative]
    for candidate in candidates:
        if candidate.is_file():
            return candidate, ""
    return None, f"there is no {candidates[0]}"


def add_scope(tree: ConfigDict, scope: str) -> None:
    """Put ``_scope_`` into the outermost dicts with a ``type``, so that their names are looked up in that package."""
    stack: list[object] = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, ConfigDict):
            if "type" in node:
                node.setdefault("_scope_", scope)
            else:
                stack.extend(node.values())
        elif isinstance(node, list | tuple):
            stack.extend(node)


def scope_of(name: str) -> str:
    """The scope of ``package::path``."""
    alias = name.partition("::")[0]
    return _PACKAGES.get(alias, alias)
