"""The names of an interpreted file: what each means, what is assigned to it, and what is said of an unknown one."""

from __future__ import annotations

import ast
import builtins
import re
from typing import Any

from segue.config.language.functions import BUILTINS
from segue.config.language.state import State
from segue.errors import ConfigError, nearest

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


class Scope(State):
    """The variables of one file, and what its names and texts mean; a reader overrides that for ``_base_``."""

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
