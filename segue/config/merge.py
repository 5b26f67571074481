"""How a child config changes its base.

Dicts merge key by key; everything else (lists included) replaces. A dict with ``_delete_=True`` replaces the base's
value instead of merging with it. Only ``--cfg-options`` may address the elements of a list, by index.
"""

from __future__ import annotations

from typing import Any

from segue.config.origins import Origin, origin
from segue.config.tree import ConfigDict, copy_tree
from segue.errors import ConfigError, Problem

DELETE = "_delete_"


def merge_into(base: ConfigDict, child: ConfigDict, *, indexes: bool = False, path: tuple[Any, ...] = ()) -> None:
    """Merge ``child`` into ``base``, which changes; the child is left as it is.

    Args:
        base: the tree to change.
        child: the tree whose values win.
        indexes: whether digit keys of the child address the elements of the base's lists.
        path: the key path of both, for messages.

    Raises:
        ConfigError: a dict meets a value that is no dict, or an index that does not exist.
    """
    for key, value in child.items():
        mark = child._marks.get(key)
        if isinstance(value, ConfigDict) and key in base:
            where = (*path, key)
            if DELETE in value:
                fresh = copy_tree(value)
                if fresh.pop(DELETE):
                    base.put(key, fresh, mark)
                    continue
                value = fresh
            old = dict.__getitem__(base, key)
            if isinstance(old, ConfigDict):
                merge_into(old, value, indexes=indexes, path=where)
                base.put(key, old, mark)
            elif isinstance(old, list) and indexes and value:
                _merge_items(old, value, where, origin(mark))
            else:
                raise _clash(old, origin(base._marks.get(key)), origin(mark), where, indexes)
        else:
            base.put(key, copy_tree(value), mark)


def _merge_items(items: list[Any], child: ConfigDict, path: tuple[Any, ...], where: Origin | None) -> None:
    """Merge a dict with digit keys into the elements of a list."""
    for key, value in child.items():
        here = (*path, key)
        if not (isinstance(key, str) and key.isascii() and key.isdigit()):
            raise _problem(where, here, f"{_dotted(path)} is a list of {len(items)}: address its elements by 0, 1 ...")
        index = int(key)
        if index >= len(items):
            last = f"the last index is {len(items) - 1}" if items else "the list is empty"
            raise _problem(where, here, f"index {index} exceeds the length of the list: {last}")
        old = items[index]
        if isinstance(value, ConfigDict) and isinstance(old, ConfigDict):
            merge_into(old, value, indexes=True, path=here)
        elif isinstance(value, ConfigDict) and isinstance(old, list):
            _merge_items(old, value, here, where)
        elif isinstance(value, ConfigDict):
            raise _clash(old, None, where, here, True)
        else:
            raise _problem(
                where, here, f"only keys of dict elements can be set by index; give the whole list {_dotted(path)}"
            )


def _clash(old: Any, was: Origin | None, where: Origin | None, path: tuple[Any, ...], indexes: bool) -> ConfigError:
    kind = "None" if old is None else f"a {type(old).__name__}"
    at = f", set at {was}" if was else ""
    if isinstance(old, tuple | list):
        remedy = "give the whole value" if isinstance(old, tuple) or not indexes else "address an element by its index"
    else:
        remedy = "give the whole value"
    message = (
        f"a dict cannot be merged into {kind} (the base has {_short(old)}{at}); {remedy}, "
        "or add `_delete_=True` to the dict to replace the base's value"
    )
    return _problem(where, path, message)


def _problem(where: Origin | None, path: tuple[Any, ...], message: str) -> ConfigError:
    return ConfigError(Problem(_dotted(path), message, str(where) if where else ""))


def _dotted(path: tuple[Any, ...]) -> str:
    return ".".join(str(part) for part in path)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
