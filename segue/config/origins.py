"""Provenance: which file and line wrote each value of a config, found by its path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from segue.config.marks import Mark, Origin, children, origin
from segue.config.tree import ConfigDict


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
                if key not in node and isinstance(key, str) and key.isdecimal() and int(key) in node:
                    key = int(key)  # of a label map
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
