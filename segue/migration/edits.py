"""Changes of a file's text that a migration proposes; the files themselves are never touched."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from segue.migration.needs import Need
from segue.migration.source import Source, absolute

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
    wanted = {(need.item.module, need.item.name): need for need in needs if need.item.bound}
    said: list[str] = []

    def change(module: str, name: str) -> tuple[str, str] | None:
        need = wanted.get((module, name))
        if need is not None and not need.item.used:
            said.append(f"drop the import of {need.item.full}, which the file never uses")
            return None
        if need is not None and need.target:
            said.append(f"import {name} from {need.target.rpartition('.')[0]}")
            module, _, name = need.target.rpartition(".")
        return module, name

    return rewrite(source, change), said


def rewrite(source: Source, change: Callable[[str, str], tuple[str, str] | None]) -> str:
    """The text with its ``from ... import`` statements changed.

    Args:
        source: the file.
        change: (module, name) to the module and name to import instead, or None to drop it. A statement whose names
            all stay keeps its layout.
    """
    lines = source.text.splitlines(True)
    nodes = [node for node in ast.walk(ast.parse(source.text)) if isinstance(node, ast.ImportFrom)]
    for node in sorted(nodes, key=lambda node: -node.lineno):
        module = absolute(node.module or "", node.level, source.place)
        written = "." * node.level + (node.module or "")
        groups: dict[str, list[str]] = {}
        changed = False
        for alias in node.names:
            answer = change(module, alias.name)
            changed |= answer != (module, alias.name)
            if answer is not None:
                bound = alias.asname or alias.name
                said = answer[1] if answer[1] == bound else f"{answer[1]} as {bound}"
                groups.setdefault(written if answer[0] == module else answer[0], []).append(said)
        first, last = node.lineno - 1, node.end_lineno or node.lineno
        if not changed or ";" in "".join(lines[first:last]):  # other statements on the line would be lost
            continue
        indent = lines[first][: node.col_offset]
        new = [f"{indent}from {place} import {', '.join(names)}\n" for place, names in groups.items()]
        lines[first:last] = new or ([f"{indent}pass\n"] if indent else [])
    return "".join(lines)


def with_compat(source: Source) -> str:
    """A script's text with the one line that makes the old names importable, before its first import of them."""
    tree = ast.parse(source.text)
    lines = source.text.splitlines(True)
    at = 0
    for node in tree.body:
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
        if not (docstring or future):
            decorators = getattr(node, "decorator_list", [])
            at = min([node.lineno, *(decorator.lineno for decorator in decorators)]) - 1
            break
        at = node.end_lineno or node.lineno
    return "".join([*lines[:at], LINE, *lines[at:]])


def imports_only(text: str) -> str:
    """The import statements of a script's top level, as a program; relative ones cannot be in a script."""
    kept = [node for node in ast.parse(text).body if isinstance(node, (ast.Import, ast.ImportFrom))]
    return "".join(f"{ast.unparse(node)}\n" for node in kept)
