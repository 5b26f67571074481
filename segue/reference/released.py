"""What releases of mmseg, 0.7 to 1.2.2, contain, as digests: what a copy of it has beside that is its owner's.

``released.txt`` holds a digest per file and per statement of a file's top level, such as a class; comments, docstrings
and the layout do not count. tools/record_released.py writes it.
"""

from __future__ import annotations

import ast
import functools
import hashlib
from collections.abc import Iterable
from pathlib import Path

LENGTH = 10  # hexadecimal digits of each digest


@functools.cache
def released() -> frozenset[str]:
    """The digests of all that was released."""
    return frozenset(Path(__file__).with_name("released.txt").read_text(encoding="ascii").split())


def digest(lines: Iterable[str]) -> str:
    """Of lines of source, however they are indented and commented; Python's version plays no part."""
    kept = ("".join(line.split()) for line in lines)
    return hashlib.sha256("\n".join(line for line in kept if line and line[0] != "#").encode()).hexdigest()[:LENGTH]


def digest_of(statement: ast.stmt, lines: list[str]) -> str:
    """Of a statement in a file of these lines, without its docstrings."""
    first = min([statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", []))])
    gone: set[int] = set()
    for node in ast.walk(statement):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and is_docstring(node.body[0]):
            gone |= set(range(node.body[0].lineno, (node.body[0].end_lineno or node.body[0].lineno) + 1))
    gone -= {statement.lineno}  # class A: "text"
    return digest(lines[n - 1] for n in range(first, (statement.end_lineno or first) + 1) if n not in gone)


def is_docstring(statement: ast.stmt) -> bool:
    """Whether a statement is nothing but a text."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def digests(text: str) -> set[str]:
    """All digests of a file: the whole, and each statement that is no import."""
    lines = text.splitlines()
    statements = [node for node in ast.parse(text).body if not isinstance(node, (ast.Import, ast.ImportFrom))]
    return {digest(lines), *(digest_of(node, lines) for node in statements if not is_docstring(node))}
