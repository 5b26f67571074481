"""What is known while a file is interpreted: marks, budget, the line being read, and the errors that name it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from segue.config.language.budget import MAX_KEY_BITS, Budget
from segue.config.language.operators import describe
from segue.config.language.values import MarkTable
from segue.config.marks import Origin
from segue.errors import ConfigError, Problem


class State:
    """The interpreter of one file, as the functions and methods of the language see it.

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

    def here(self) -> Origin:
        """The line being evaluated."""
        return self.budget.at

    def iterate(self, value: Any) -> Iterator[Any]:
        """The elements of a value, each charged for; a set's in a fixed order."""
        if isinstance(value, dict):
            value = list(value)
        elif isinstance(value, set):
            value = sorted(value, key=repr)
        elif not isinstance(value, str | list | tuple | range):
            raise TypeError(f"{getattr(value, 'kind', type(value).__name__)} has no elements")
        for item in value:
            self.budget.charge(1)
            yield item

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
