"""Provenance: which file and line wrote each value of a config.

A ``ConfigDict`` keeps one mark per key beside its values. The mark of a list or tuple also holds the marks of its
elements, so lists stay plain lists. Marks are immutable and shared between copies.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from segue.config.tree import ConfigDict


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


def origin_of(node: Any, path: str | Sequence[Any]) -> Origin | None:
    """The origin of the value at ``path`` below a ``Config`` or any ``ConfigDict`` of one.

    ``path`` is a dotted key with list indexes (``"train_pipeline.2.scale"``) or a sequence of keys, for keys that
    contain dots themselves. None if the path does not exist or its value was assigned in Python.
    """
    parts = path.split(".") if isinstance(path, str) else list(path)
    if not isinstance(node, ConfigDict):
        node = getattr(node, "tree", node)
    mark: Mark = None
    while parts:
        if isinstance(node, ConfigDict):
            # A key may contain dots ('backbone.norm' in custom_keys), so ever longer prefixes are tried.
            for count in range(1, len(parts) + 1):
                key = parts[0] if count == 1 else ".".join(str(part) for part in parts[:count])
                if key in node:
                    break
            else:
                return None
            node, mark, parts = dict.__getitem__(node, key), node._marks.get(key), parts[count:]
        elif isinstance(node, list | tuple) and str(parts[0]).isdigit() and int(parts[0]) < len(node):
            index = int(parts[0])
            mark = children(mark, len(node))[index]
            node, parts = node[index], parts[1:]
        else:
            return None
    return origin(mark)


def leaves(
    node: Any, path: tuple[Any, ...] = (), mark: Mark = None
) -> Iterator[tuple[tuple[Any, ...], Any, Origin | None]]:
    """Every leaf below a node as (path, value, origin); a list without dicts in it is one leaf."""
    if isinstance(node, ConfigDict) and node:
        for key, value in node.items():
            yield from leaves(value, (*path, key), node._marks.get(key))
    elif isinstance(node, list | tuple) and any(_has_dict(item) for item in node):
        for index, (item, item_mark) in enumerate(zip(node, children(mark, len(node)), strict=True)):
            yield from leaves(item, (*path, index), item_mark)
    else:
        yield path, node, origin(mark)


def _has_dict(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(_has_dict(item) for item in value)
    return isinstance(value, dict)
