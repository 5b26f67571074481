"""The problems of all stages of a start in one report: what one stage finds wrong does not hide what the next would."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from segue.errors import ConfigError, Problem, SegueError

T = TypeVar("T")


class Gathered:
    """Errors of attempts that do not depend on each other."""

    def __init__(self, wrong: Sequence[Problem] = ()) -> None:
        self.errors: list[tuple[str, SegueError]] = [("", ConfigError(list(wrong)))] if wrong else []
        #: sections that nobody can go on with
        self.left_out = {problem.key.partition(".")[0] for problem in wrong}

    def attempt(self, key: str, work: Callable[[], T]) -> T | None:
        """What ``work`` gives; None where it fails, which is kept. ``key``: of the config, for errors without one."""
        try:
            return work()
        except SegueError as error:
            self.errors.append((key, error))
            return None

    def raise_all(self) -> None:
        """Raise the only error as it is, or all of them together.

        Raises:
            SegueError: something failed.
        """
        if len(self.errors) == 1:
            raise self.errors[0][1] from None
        if self.errors:
            raise ConfigError(self.problems())

    def problems(self) -> list[Problem]:
        """All problems, each key and message once: a section that two stages miss is missing once."""
        found: dict[tuple[str, str], Problem] = {}
        for key, error in self.errors:
            for problem in error.problems if isinstance(error, ConfigError) else [Problem(key, str(error))]:
                known = found.setdefault((problem.key, problem.message), problem)
                if problem.where and not known.where:
                    found[problem.key, problem.message] = problem
        found = {key: p for key, p in found.items() if not (p.message == MISSING and p.key in self.left_out)}
        missing = {p.key for p in found.values() if p.message == MISSING}
        return [p for p in found.values() if p.message == MISSING or p.key not in missing]


MISSING = "training needs this section"
