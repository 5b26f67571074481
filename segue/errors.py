"""Everything Segue raises on purpose.

SegueError                 one clear message; the command line prints it without a traceback
├── ConfigError            a config that cannot be read or built: all problems at once
├── DataError              images, folders, splits
│   ├── LabelError         a mask whose values, size or depth cannot be right
│   └── SomeFailedError    some of many images failed, the others are done
├── CheckpointError        a weights file that is damaged, unsafe or of another model
├── DownloadError          a file that could not be fetched or pushed, or whose bytes are wrong
├── InputError             an argument, tensor or path that a function or command cannot take
└── MissingExtraError      an optional package is needed: names the extra to install

A message says where (file and line, key path, image), what was given, and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class SegueError(Exception):
    """Base of all errors that are about the user's input rather than a defect of Segue."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a config.

    ``where`` is the file and line ("cfg.py:12") or "--cfg-options"; ``key`` the dotted path
    ("model.decode_head.channels"); ``message`` what was given and what to do.
    """

    key: str
    message: str
    where: str = ""

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.key, self.message) if part)


class ConfigError(SegueError):
    """A config that cannot be used. ``problems`` lists every fault found, in reading order."""

    def __init__(self, problems: str | Problem | Iterable[Problem]) -> None:
        if isinstance(problems, str):
            problems = [Problem("", problems)]
        elif isinstance(problems, Problem):
            problems = [problems]
        self.problems: list[Problem] = list(problems)
        count = len(self.problems)
        head = f"{count} problems in the config:\n" if count > 1 else ""
        super().__init__(head + "\n".join(f"  {p}" if count > 1 else str(p) for p in self.problems))

    def __reduce__(self) -> tuple[type[ConfigError], tuple[list[Problem]]]:
        return ConfigError, (self.problems,)


class DataError(SegueError):
    """An image, folder, split or pair of files that cannot be used; the message names it."""


class LabelError(DataError):
    """A label map with values, size or depth that contradict the dataset's classes."""


class SomeFailedError(DataError):
    """Some of many images could not be worked on; the others are done.

    Attributes:
        results: of the others.
        failed: the error of each that failed.
    """

    def __init__(self, message: str, results: Sequence[Any], failed: Sequence[SegueError]) -> None:
        super().__init__(message)
        self.results, self.failed = list(results), list(failed)


class CheckpointError(SegueError):
    """A checkpoint that is missing, damaged, unsafe, or made for another model."""


class DownloadError(SegueError):
    """A file that could not be brought from a server, or to one, or whose bytes differ from the expected hash."""


class InputError(SegueError):
    """An argument, path or tensor that cannot be used; the message names it."""


class MissingExtraError(SegueError):
    """An optional package is not installed: ``extra`` brings it, or ``remedy`` says what to do."""

    def __init__(self, package: str, extra: str = "", purpose: str = "this", *, remedy: str = "") -> None:
        advice = remedy or f"pip install 'segue[{extra}]'"
        super().__init__(f"{purpose} needs the package {package!r}: {advice}")


def nearest(name: str, choices: Sequence[str], most: int = 1, listed: int = 12) -> str:
    """``; did you mean 'X'?``, or ``; there are: X, Y`` where there are few, or nothing: the end of a message.

    Args:
        name: what was given.
        choices: what was possible.
        most: choices to propose.
        listed: choices to list where none of them is near.
    """
    begun = [choice for choice in choices if len(name) > 3 and fold(choice).startswith(fold(name))]
    if close := begun[:most] or alike(name, choices, most):
        return f"; did you mean {' or '.join(map(repr, close))}?"
    return f"; there are: {', '.join(choices)}" if 0 < len(choices) <= listed else ""


def alike(name: str, choices: Iterable[str], most: int = 1, cutoff: float = 0.6) -> list[str]:
    """The choices that ``name`` may be a misspelling of, the likeliest first."""
    folded = {fold(choice): choice for choice in choices}
    return [folded[found] for found in difflib.get_close_matches(fold(name), folded, most, cutoff)]


def fold(name: str) -> str:
    """A name without underscores and case, as names are compared."""
    return name.replace("_", "").lower()


def refuse(given: Mapping[str, object], why: str) -> None:
    """Refuse options that would do nothing.

    Args:
        given: values by option; one that was not given is None, False or empty.
        why: when such an option means something.

    Raises:
        InputError: one was given.
    """
    names = [
        name for name, value in given.items() if value is not None and value is not False and value not in ((), [])
    ]
    if names:
        raise InputError(f"{', '.join(names)}: {why}")


def line_of(error: BaseException) -> str:
    """`` (at FILE:LINE)`` of the line that raised an error, to end a message about other people's code; or nothing."""
    trace = error.__traceback__
    if trace is None:
        return ""
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f" (at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno})"
