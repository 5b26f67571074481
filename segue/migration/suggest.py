"""From what failed to what would mend it: edits that can be tried, and reasons in plain words."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from segue.errors import ConfigError, nearest
from segue.migration.edits import Edit, import_modules, replace_text
from segue.migration.packages import Own, missing_said
from segue.recipes import compose
from segue.reference.names import NAMES

_UNKNOWN = re.compile(r"there is no (?:[\w ]+ )?'([\w.]+)'")
_MEANT = re.compile(r"did you mean '([\w.]+)'\?")
_ARGUMENT = re.compile(r"has no argument '(\w+)'")
_BASE = re.compile(r"the base '([^']+)' (?:was not found|does not exist)")
#: the folder for configs of mmseg that a project inherits from and does not hold
RECIPES = "mmseg_configs"


class Suggester:
    """Knows what a project registers, and answers failures.

    Args:
        registered: {component: module that registers it}.
        places: {first part of a module's name: folder in the project from which it can be imported}.
    """

    def __init__(self, registered: Mapping[str, str], places: Mapping[str, str]) -> None:
        self.registered, self.places = registered, places

    def edits(self, error: Mapping[str, Any], file: str, root: Path, imports: Sequence[str]) -> list[Edit]:
        """Edits of files below ``root`` that may help.

        Args:
            error: as `segue.migration.run.describe` tells it.
            file: the config.
            root: the copy that is edited.
            imports: modules of the config's ``custom_imports``.
        """
        problems = error.get("problems") or [["", str(error.get("message")), ""]]
        found: list[Edit] = []
        modules: list[str] = []
        texts = Texts(root)
        for _, message, where in problems:
            unknown, base = _UNKNOWN.search(message), _BASE.search(message)
            name = unknown[1].rpartition(".")[2] if unknown else ""
            if name in self.registered:
                module = self.registered[name]
                if module not in (*imports, *modules):
                    modules.append(module)
            elif base:
                found += self.recipe(base[1], where, file, texts)
            else:
                found += self.spelling(message, where, texts)
        if modules and file.endswith(".py"):
            new = texts.set(file, import_modules(texts[file], imports, modules))
            what = f"name {_and(modules)} in custom_imports, so that the config finds its classes"
            found.append(Edit(what, file, new, f"import {modules}"))
        top = str(error.get("module") or "").partition(".")[0]
        place = self.places.get(top, ".")
        if top and place != ".":
            found.append(Edit(f"run with PYTHONPATH={place}, where {top!r} is", fixes=f"path {place}"))
        return found

    def spelling(self, message: str, where: str, texts: Texts) -> list[Edit]:
        """A misspelled type or argument, corrected where it is written."""
        wrong, meant = _UNKNOWN.search(message) or _ARGUMENT.search(message), _MEANT.search(message)
        file, _, line = where.rpartition(":")
        if not (wrong and meant and line.isdigit() and (texts.root / file).is_file()):
            return []
        if not misspelled(wrong[1], meant[1], argument="has no argument" in message):
            return []
        text = texts[file]
        new = replace_text(text, int(line), wrong[1], meant[1])
        if new == text:
            lines = text.splitlines(True)
            at = int(line) - 1
            if at < len(lines):
                lines[at] = re.sub(rf"\b{wrong[1]}(?=\s*=)", meant[1], lines[at], count=1)
            new = "".join(lines)
        said = f"spell {wrong[1]!r} as {meant[1]!r} ({where})"
        return [Edit(said, file, texts.set(file, new), said)] if new != text else []

    def recipe(self, base: str, where: str, file: str, texts: Texts) -> list[Edit]:
        """A config of mmseg that is inherited from and is not there: written out, if its name is a recipe's."""
        name = PurePosixPath(base).stem
        try:
            cfg = compose(name)
        except ConfigError:
            return []
        text = f"# The config {name} of mmseg, as Segue's recipe of that name composes it.\n{cfg.pretty_text}"
        holder = where.rpartition(":")[0] or file
        if "::" not in base:
            path = os.path.normpath(os.path.join(os.path.dirname(holder), base)).replace(os.sep, "/")
            if path.startswith(".."):
                return []
            return [Edit(f"write the missing base: segue config show {name} > {path}", path, text, f"base {base}")]
        path = f"{RECIPES}/{name}.py"
        new = os.path.relpath(path, os.path.dirname(holder) or ".").replace(os.sep, "/")
        said = f"inherit from {new} instead of {base}: segue config show {name} > {path}"
        holding = texts.set(holder, texts[holder].replace(base, new))
        return [Edit(said, path, text, f"base {base}"), Edit(said, holder, holding, f"use {base}")]


class Texts(dict[str, str]):
    """The files below a folder as they are, or as the edits so far leave them."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root

    def __missing__(self, file: str) -> str:
        return (self.root / file).read_text(encoding="utf-8")

    def set(self, file: str, text: str) -> str:
        """Remember a file's new text, and return it."""
        self[file] = text
        return text


def misspelled(wrong: str, right: str, *, argument: bool = False) -> bool:
    """Whether two names differ by a slip of the finger. A class whose name contains the other is somebody's own."""
    a, b = wrong.lower(), right.lower()
    if a == b:
        return True
    if abs(len(a) - len(b)) > 1 or re.sub(r"\D", "", a) != re.sub(r"\D", "", b):
        return False
    if not argument and (a in b or b in a):
        return False
    return difflib.SequenceMatcher(None, a, b).ratio() >= 0.8


def reasons(answer: Mapping[str, Any], root: str, known: Sequence[str] = (), own: Own | None = None) -> list[str]:
    """Why a job failed, one sentence each; paths are the project's own.

    Args:
        answer: of the worker.
        root: the folder it ran in, which nobody knows.
        known: components of the project's own, for names that nobody has.
        own: what else is the project's own.
    """
    error = answer.get("error") or {}
    if answer.get("died") is not None:
        place = hung(str(answer.get("printed") or ""), root)
        return [f"{error.get('message')}{f', at {place}' if place else ''}"]
    missing = str(error.get("module") or "")
    if missing and missing.partition(".")[0] not in NAMES:
        at = place_of(error.get("frames") or [], root)
        return [f"{missing_said(missing, own or Own())}{f' ({at})' if at and not at.startswith('segue/') else ''}"]
    if "problems" in error:
        return [plain_problem(*problem, root=root, known=known) for problem in error["problems"]]
    message = str(error.get("message") or "")
    if not error.get("expected") and error.get("type") != "SyntaxError":
        message = f"{error.get('type')}: {message}" if message else str(error.get("type"))
    at = place_of(error.get("frames") or [], root)
    return [f"{message}{f' ({at})' if at and not error.get('expected') else ''}".replace(f"{root}/", "")]


def plain_problem(key: str, message: str, where: str, *, root: str, known: Sequence[str] = ()) -> str:
    """One problem of a config as a sentence that starts with its place."""
    unknown = _UNKNOWN.search(message)
    if unknown and known and "did you mean" not in message:
        message += nearest(unknown[1], list(known)) if len(known) > 12 else ""
    if _BASE.search(message) and "install the package" not in message:
        message += "; copy it there from mmseg's configs, or inherit from a recipe (segue models)"
    text = ": ".join(part for part in (where, key, message) if part)
    return text.replace(f"{root}/", "").replace(" (trust=True)", "")


def place_of(frames: Sequence[Sequence[Any]], root: str) -> str:
    """``my/heads.py:41 in forward``: the last frame in the project, else the last one of all."""
    own = [frame for frame in frames if str(frame[0]).startswith(f"{root}/")]
    for file, line, name in reversed(own or list(frames)):
        if own:
            return f"{str(file).removeprefix(f'{root}/')}:{line} in {name}"
        if "/segue/" in str(file):
            return f"segue/{str(file).rpartition('/segue/')[2]}:{line} in {name}"
    return ""


def hung(log: str, root: str) -> str:
    """The innermost frame of the project in the trace that a job leaves when its time is up or it crashes."""
    for file, line, name in re.findall(r'File "([^"]+)", line (\d+) in (\S+)', log):
        if file.startswith(f"{root}/"):
            return f"{file.removeprefix(f'{root}/')}:{line} in {name}"
    return ""


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
