"""Where an interpreted file stands: its variables, marks, budget, the line being read, and the errors that name it."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator
from typing import Any

from segue.config.language.budget import MAX_KEY_BITS, Budget
from segue.config.language.functions import BUILTINS, iterate
from segue.config.language.operators import describe
from segue.config.language.values import MarkTable
from segue.config.marks import Origin
from segue.errors import ConfigError, Problem, nearest

#: What Python raises for an operation that makes no sense; reported with the line instead.
FAULTS = (TypeError, ValueError, KeyError, IndexError, AttributeError, ZeroDivisionError, OverflowError, RuntimeError)


def explain(error: Exception) -> str:
    """An exception of Python as a sentence for a config's author."""
    text = str(error).replace("\n", " ")
    if re.match(r"[\w.<>]+\(\) (takes|missing|got) ", text):
        return "the function does not take these arguments"
    if isinstance(error, KeyError):
        text = f"there is no key {text}"
    return text or type(error).__name__


class Scope:
    """The state of the interpreter of one file.

    Attributes:
        file: the file's name in origins and messages.
        budget: what is left to spend.
        marks: origins of the live values.
        scopes: the file's variables, then one dict per comprehension being evaluated.
        environment: environment variables that were read.
        depends: whether the values depend on more than the file's text (environment, working directory).
    """

    def __init__(self, file: str, budget: Budget, *, use_environment: bool = True) -> None:
        self.file = file
        self.budget = budget
        self.use_environment = use_environment
        self.marks = MarkTable()
        self.scopes: list[dict[str, Any]] = [{}]
        self.environment: dict[str, str] = {}
        self.depends = False
        self._depth = 0

    # What functions and methods use.

    def here(self) -> Origin:
        """The line being evaluated."""
        return self.budget.at

    def iterate(self, value: Any) -> Iterator[Any]:
        """The elements of a value, each charged for."""
        return iterate(self, value)

    def key(self, value: Any) -> Any:
        """A value as a key of a dict or element of a set."""
        if isinstance(value, int):
            if value.bit_length() > MAX_KEY_BITS:
                raise ValueError(f"the integer key has more than {MAX_KEY_BITS} bits")
        elif isinstance(value, tuple):
            self.budget.weigh(value)
            for item in value:
                self.key(item)
        elif not isinstance(value, str | float | None):
            raise TypeError(f"{describe(value)} cannot be a key")
        return value

    def error(self, node: ast.AST, message: str) -> ConfigError:
        """A mistake in the config at a node."""
        return ConfigError(Problem("", message, str(Origin(self.file, getattr(node, "lineno", self.budget.at.line)))))

    def refuse(self, node: ast.AST, what: str) -> ConfigError:
        """Something that is not part of the language."""
        self.at(node)
        return self.budget.refuse(f"{what} is not part of the config language (configs are interpreted, not executed)")

    def at(self, node: ast.AST) -> None:
        """Remember where we are."""
        line = getattr(node, "lineno", 0)
        if line and line != self.budget.at.line:
            self.budget.at = Origin(self.file, line)

    # Names: the file's reader overrides these for _base_ and placeholders.

    def lookup(self, node: ast.Name) -> Any:
        """The value of a name."""
        name = node.id
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        if name in BUILTINS:
            return BUILTINS[name]
        if name.startswith("__"):
            raise self.refuse(node, f"the name {name}")
        raise self.missing(node)

    def missing(self, node: ast.Name) -> ConfigError:
        """The error for an unknown name."""
        if hasattr(builtins, node.id):
            return self.refuse(node, f"{node.id}")
        hint = nearest(node.id, [*self.scopes[0], *BUILTINS])
        return self.error(node, f"the name {node.id!r} is not defined in this file{hint}")

    def text(self, node: ast.AST, value: str) -> Any:
        """A string constant; the reader puts values for placeholders here."""
        return value

    def evaluate(self, node: ast.expr) -> Any:
        """The value of an expression."""
        raise NotImplementedError

    def bind(self, target: ast.expr, value: Any) -> None:
        """Assign to the variables of a comprehension."""
        if isinstance(target, ast.Name):
            if target.id.startswith("__") or target.id == "_base_":
                raise self.refuse(target, f"assigning to {target.id}")
            self.scopes[-1][target.id] = value
        elif isinstance(target, ast.Tuple | ast.List):
            for part, item in self.spread(target, value):
                self.bind(part, item)
        else:
            raise self.refuse(target, "this loop variable")

    def spread(self, target: ast.Tuple | ast.List, value: Any) -> list[tuple[ast.expr, Any]]:
        """Pair the parts of ``a, *b = value`` with what they get."""
        items = list(self.iterate(value))
        stars = [i for i, part in enumerate(target.elts) if isinstance(part, ast.Starred)]
        count = len(target.elts)
        if not stars:
            if len(items) != count:
                raise self.error(target, f"{len(items)} values cannot be assigned to {count} names")
            return list(zip(target.elts, items, strict=True))
        star, after = stars[0], count - stars[0] - 1
        if len(items) < count - 1:
            raise self.error(target, f"{len(items)} values are too few for {count} names")
        middle = items[star : len(items) - after]
        starred = target.elts[star]
        assert isinstance(starred, ast.Starred)
        pairs = [*zip(target.elts[:star], items, strict=False), (starred.value, middle)]
        return pairs + list(zip(target.elts[star + 1 :], items[len(items) - after :], strict=True))
