"""Executes a config that is more than data. The only place of Segue that runs a config's code, and only on request."""

from __future__ import annotations

import ast
import os
import runpy
import tempfile
import traceback
import types
import warnings
from typing import Any

from segue.config.marks import Origin
from segue.config.tree import ConfigDict, to_tree
from segue.errors import ConfigError, Problem


class TrustedConfigWarning(UserWarning):
    """A config file was executed because the caller trusts it."""


def execute(text: str, file: str, base: ConfigDict | None, names: ConfigDict, reason: str) -> ConfigDict:
    """Run a config as a Python program and return its variables.

    Args:
        text: the file's content after substitution.
        file: its path, for messages.
        base: the merged bases, visible as ``_base_``.
        names: the variables that ``with read_base():`` gives.
        reason: why it was not interpreted.
    """
    warnings.warn(f"executing {file} as a trusted config, with all its rights: {reason}", TrustedConfigWarning, 2)
    folder = tempfile.mkdtemp(prefix="segue-config-")
    script = os.path.join(folder, os.path.basename(file) or "config.py")
    given: dict[str, Any] = dict(names)
    if base is not None:
        given["_base_"] = base
    try:
        with open(script, "w", encoding="utf-8") as stream:
            stream.write(_without_bases(text))
        found = runpy.run_path(script, init_globals=given)
    except Exception as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == script]
        line = (frames[-1].lineno or 0) if frames else 0
        message = f"the config failed: {type(error).__name__}: {error}"
        raise ConfigError(Problem("", message, str(Origin(file, line)))) from error
    finally:
        if os.path.exists(script):
            os.unlink(script)
        os.rmdir(folder)
    dropped = (types.ModuleType, types.FunctionType)
    tree = ConfigDict()
    lines = _lines(text)
    for name, value in found.items():
        if name.startswith("__") or name == "_base_" or isinstance(value, dropped):
            continue
        mark = Origin(file, lines[name]) if name in lines else names._marks.get(name)
        tree.put(name, to_tree(value), mark)
    return tree


def _without_bases(text: str) -> str:
    """The text with ``_base_ = ...``, ``with read_base():`` and its import replaced by ``pass``, line for line."""
    lines = text.splitlines()
    for statement in ast.parse(text).body:
        assigns = isinstance(statement, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "_base_" for target in statement.targets
        )
        reads = isinstance(statement, ast.With) and "read_base" in ast.unparse(statement.items[0].context_expr)
        imports = isinstance(statement, ast.ImportFrom) and any(name.name == "read_base" for name in statement.names)
        if assigns or reads or imports:
            first, last = statement.lineno - 1, statement.end_lineno or statement.lineno
            lines[first:last] = ["pass"] + [""] * (last - first - 1)
    return "\n".join(lines) + "\n"


def _lines(text: str) -> dict[str, int]:
    """The last line that assigns each top-level name."""
    found: dict[str, int] = {}
    for statement in ast.parse(text).body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        for target in targets:
            if isinstance(target, ast.Name):
                found[target.id] = statement.lineno
    return found
