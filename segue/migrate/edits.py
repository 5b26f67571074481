"""Changes of a file's text that a migration proposes; the files themselves are never touched."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from segue.migrate.needs import Need
from segue.migrate.source import Source, absolute

LINE = "import segue.compat  # makes mmseg, mmengine and mmcv importable\n"


@dataclass(frozen=True)
class Edit:
    """A proposed change.

    Attributes:
        what: one sentence.
        file: the file it changes, relative to the project; "" where it is none, such as a package to install.
        new: the file's whole new text.
        fixes: the problem it answers, so that no problem is answered twice in the same way.
    """

    what: str
    file: str = ""
    new: str = ""
    fixes: str = ""


def diff(file: str, old: str, new: str) -> str:
    """A unified diff that ``git apply`` and ``patch -p1`` take; an empty old text means a new file."""
    before = f"a/{file}" if old else "/dev/null"
    lines = difflib.unified_diff(old.splitlines(True), new.splitlines(True), before, f"b/{file}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def set_top_level(text: str, name: str, value: str) -> str:
    """A config's text that assigns ``name = value``: in place of the last assignment there is, else at the end."""
    node = None
    for statement in ast.parse(text).body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            node = statement
    lines = text.splitlines(True)
    new = f"{name} = {value}\n"
    if node is not None:
        return "".join([*lines[: node.lineno - 1], new, *lines[node.end_lineno or node.lineno :]])
    return text + ("" if not text or text.endswith("\n") else "\n") + new


def import_modules(text: str, listed: Sequence[str], more: Sequence[str]) -> str:
    """A .py config's text with ``custom_imports`` of the modules listed so far and more."""
    names = [*listed, *(name for name in more if name not in listed)]
    return set_top_level(text, "custom_imports", f"dict(imports={names!r}, allow_failed_imports=False)")


def replace_text(text: str, line: int, old: str, new: str) -> str:
    """A text in which one word, quoted, is another on a line; unchanged where the line has no such word."""
    lines = text.splitlines(True)
    if 0 < line <= len(lines):
        pattern = rf"(['\"]){re.escape(old)}\1"
        lines[line - 1] = re.sub(pattern, lambda found: f"{found[1]}{new}{found[1]}", lines[line - 1], count=1)
    return "".join(lines)


def fix_imports(source: Source, needs: Sequence[Need]) -> tuple[str, list[str]]:
    """A module's text with import lines that work, and what was changed.

    Names that the file never reads go; names that lie elsewhere are imported from there. Others stay.
    """
    wanted: dict[tuple[str, str], Need] = {
        (need.item.module, need.item.name): need for need in needs if need.item.bound
    }
    said: list[str] = []

    def change(module: str, name: str, bound: str) -> tuple[str, str] | bool | None:
        """The new place of a name, None to drop it, True to keep it."""
        need = wanted.get((module, name))
        if need is None:
            return True
        if not need.item.used:
            said.append(f"drop the import of {need.item.full}, which the file never uses")
            return None
        if need.target:
            said.append(f"import {name} from {need.target.rpartition('.')[0]}")
            place, _, new = need.target.rpartition(".")
            return place, new
        return True

    return rewrite(source, change), said


def rewrite(source: Source, change: Callable[[str, str, str], tuple[str, str] | bool | None]) -> str:
    """The text with its ``from ... import`` statements changed; statements without a change keep their layout."""
    lines = source.text.splitlines(True)
    nodes = [node for node in ast.walk(ast.parse(source.text)) if isinstance(node, ast.ImportFrom)]
    for node in sorted(nodes, key=lambda node: -node.lineno):
        module = absolute(node.module or "", node.level, source.place)
        groups: dict[str, list[str]] = {}
        changed = False
        for alias in node.names:
            answer = change(module, alias.name, alias.asname or alias.name)
            if answer is None:
                changed = True
                continue
            place, name = ("", alias.name) if answer is True or answer is False else answer
            changed |= bool(place)
            bound = alias.asname or alias.name
            own = "." * node.level + (node.module or "")
            groups.setdefault(place or own, []).append(name if name == bound else f"{name} as {bound}")
        if not changed:
            continue
        first, last = node.lineno - 1, node.end_lineno or node.lineno
        indent = lines[first][: len(lines[first]) - len(lines[first].lstrip())]
        new = [f"{indent}from {place} import {', '.join(names)}\n" for place, names in groups.items()]
        if not new and indent:
            new = [f"{indent}pass\n"]
        lines[first:last] = new
    return "".join(lines)


def moved_out(source: Source, stays: Mapping[str, bool], home: str) -> str:
    """The text of a file of a copied package as a module in the folder ``home``: relative imports made absolute.

    ``stays`` tells of each absolute module whether it moves to ``home``, too.
    """

    def change(module: str, name: str, bound: str) -> tuple[str, str] | bool | None:
        for full, stem in ((f"{module}.{name}", ""), (module, name)):
            if stays.get(full):
                last = full.rpartition(".")[2]
                return (f"{home}.{last}", stem) if stem else (home, last)
        return module, name

    nodes = [node for node in ast.walk(ast.parse(source.text)) if isinstance(node, ast.ImportFrom)]
    moved = {absolute(node.module or "", node.level, source.place) for node in nodes if node.level}

    def only_relative(module: str, name: str, bound: str) -> tuple[str, str] | bool | None:
        concerned = module in moved or stays.get(module) or stays.get(f"{module}.{name}")
        return change(module, name, bound) if concerned else True

    return rewrite(source, only_relative)


def with_compat(source: Source) -> str:
    """A script's text with the one line that makes the old names importable, before its first import of them."""
    tree = ast.parse(source.text)
    lines = source.text.splitlines(True)
    at = 0
    for node in tree.body:
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
        if not (docstring or future):
            at = node.lineno - 1
            break
    return "".join([*lines[:at], LINE, *lines[at:]])


def imports_only(text: str) -> str:
    """The import statements of a script's top level, as a program; relative ones cannot be in a script."""
    kept = [node for node in ast.parse(text).body if isinstance(node, (ast.Import, ast.ImportFrom))]
    return "".join(f"{ast.unparse(node)}\n" for node in kept)
