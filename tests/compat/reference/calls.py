"""Small calls as cases: functions by name, whose results are looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.compat.reference.facts import look, seed_all, tried


class Calls:
    """The cases of a file.

    Attributes:
        cases: the functions by name.
    """

    def __init__(self) -> None:
        self.cases: dict[str, Callable[[], Any]] = {}

    def observe(self, name: str, module: str) -> Any:
        """What a case gives."""
        seed_all(0)
        return tried(lambda: look(self.cases[name]()))

    def case(self, call: Callable[[], Any]) -> Callable[[], Any]:
        """Count a function as a case."""
        self.cases[call.__name__] = call
        return call

    def several(self, name: str, each: Callable[[Any], Any], over: list[Any]) -> None:
        """One case of each value."""
        for number, value in enumerate(over):
            self.cases[f"{name} {number}"] = lambda value=value: each(value)  # type: ignore[misc]
