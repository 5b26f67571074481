"""Parses a .py config: its syntax tree, its bases, and whether it is in the new style. Nothing is compiled."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass, field

from segue.config.language.budget import Budget
from segue.config.language.expressions import Expressions
from segue.config.language.functions import MODULES
from segue.config.marks import Origin
from segue.errors import ConfigError, Problem


@dataclass
class Module:
    """A parsed file: its statements without ``_base_``, and the bases with their lines."""

    file: str
    body: list[ast.stmt]
    bases: list[tuple[str, int]] = field(default_factory=list)
    has_bases: bool = False
    lazy: bool = False


def parse(text: str, file: str, budget: Budget) -> Module:
    """The syntax tree of a config and its bases.

    Raises:
        ConfigError: the text is no Python, or ``_base_`` is not text or a list of texts.
    """
    if text.count("{") > 20_000:  # some Pythons take quadratic time for the braces of one f-string
        budget.at = Origin(file, 0)
        raise budget.refuse("the file has more than 20000 braces")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a config with '\d' is not ours to complain about
            tree = ast.parse(text)
    except SyntaxError as error:
        message = f"this is not valid Python: {error.msg}"
        raise ConfigError(Problem("", message, str(Origin(file, error.lineno or 0)))) from None
    except (RecursionError, MemoryError):
        raise ConfigError(Problem("", "the file is nested too deeply to be read", str(Origin(file, 0)))) from None
    except ValueError as error:
        raise ConfigError(Problem("", f"this is not valid Python: {error}", str(Origin(file, 0)))) from None
    module, first = Module(file, []), 0
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and any(_is_base(target) for target in statement.targets):
            if module.has_bases:
                what = f"this _base_ is ignored, as by mmengine: the one in line {first} counts"
                budget.say(f"{Origin(file, statement.lineno)}: {what}; write one list of all bases")
            else:
                module.bases, first = _bases(statement, file, budget), statement.lineno
                module.has_bases = True
            continue
        module.body.append(statement)
    module.lazy = not module.has_bases and any(_is_new_style(statement) for statement in module.body)
    return module


def _is_base(target: ast.expr) -> bool:
    return isinstance(target, ast.Name) and target.id == "_base_"


def _bases(statement: ast.Assign, file: str, budget: Budget) -> list[tuple[str, int]]:
    """The right side of ``_base_ = ...``, evaluated where no name of the file is known."""
    alone = Expressions(file, budget)
    value = alone.evaluate(statement.value)
    lines = [getattr(mark, "line", statement.lineno) for mark in alone.marks.of_items(value)]
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise alone.error(statement, "_base_ must be a path or a list of paths")
    return list(zip(names, lines if len(lines) == len(names) else [statement.lineno] * len(names), strict=True))


def _is_new_style(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.ImportFrom):
        return statement.level > 0 or (statement.module not in MODULES and statement.module != "__future__")
    if isinstance(statement, ast.Import):
        return any(name.name not in MODULES for name in statement.names)
    return is_read_base(statement)


def is_read_base(statement: ast.stmt) -> bool:
    """Whether a statement is ``with read_base():``."""
    if not isinstance(statement, ast.With) or len(statement.items) != 1:
        return False
    call = statement.items[0].context_expr
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "read_base"
