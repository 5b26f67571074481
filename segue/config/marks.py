"""Where a value was written: a mark per key of a `ConfigDict`.

The mark of a list or tuple also holds the marks of its elements, so lists stay plain lists. Marks are immutable and
shared between copies.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias


class Origin(NamedTuple):
    """Where a value was written: an absolute path (or ``--cfg-options``, ``<string>``) and a line, 0 for none."""

    file: str
    line: int

    def __str__(self) -> str:
        name = shorten(self.file)
        return f"{name}:{self.line}" if self.line else name


class Items(NamedTuple):
    """The mark of a list or tuple: its own origin and one mark per element."""

    origin: Origin | None
    marks: tuple[Mark, ...]


Mark: TypeAlias = "Origin | Items | None"
#: The origin of everything given on the command line.
OPTIONS = Origin("--cfg-options", 0)


def shorten(file: str) -> str:
    """A path as people want to read it: relative when it lies under the working directory."""
    if not os.path.isabs(file):
        return file
    here = os.getcwd()
    return os.path.relpath(file, here) if file.startswith(here.rstrip(os.sep) + os.sep) else file


def origin(mark: Mark) -> Origin | None:
    """The origin inside a mark."""
    return mark.origin if isinstance(mark, Items) else mark


def children(mark: Mark, count: int) -> Sequence[Mark]:
    """The marks of a list's elements; the list's own origin where its length has changed since it was read."""
    if isinstance(mark, Items) and len(mark.marks) == count:
        return mark.marks
    return [origin(mark)] * count
