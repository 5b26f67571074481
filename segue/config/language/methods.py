"""The methods of text, dicts, lists, tuples and sets that a config may call.

A method takes the interpreter, the object and its arguments: ``m(run, value, *args, **keywords)``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from segue.config.language.budget import MAX_WIDTH
from segue.config.language.functions import Environ, deepcopy, getenv, make_dict, safe_sorted, shallow_copy
from segue.config.language.operators import DATA, contains, format_text
from segue.config.language.state import State
from segue.config.language.values import LiveDict


def _text(name: str) -> Callable[..., Any]:
    """A method of str whose result is not longer than its input, give or take a factor of three."""

    def call(run: State, value: str, *args: Any) -> Any:
        for argument in args:
            run.budget.weigh(argument)
        run.budget.charge_text(len(value))
        result = getattr(str, name)(value, *args)
        if isinstance(result, list):
            run.budget.charge(len(result))
        elif isinstance(result, str):
            run.budget.charge_text(len(result))
        return result

    return call


def _join(run: State, value: str, items: Any, /) -> str:
    parts = list(run.iterate(items))
    if not all(isinstance(part, str) for part in parts):
        raise TypeError("join() takes texts")
    run.budget.charge_text(sum(map(len, parts)) + len(value) * len(parts))
    return value.join(parts)


def _replace(run: State, value: str, old: str, new: str, count: int = -1, /) -> str:
    run.budget.charge_text(len(value))
    found = value.count(old) if count < 0 else min(count, value.count(old))
    run.budget.charge_text(len(value) + found * len(new))
    return value.replace(old, new, count)


def _zfill(run: State, value: str, width: int, /) -> str:
    if width > MAX_WIDTH:
        raise run.budget.refuse(f"a width of {width} is more than the limit of {MAX_WIDTH}")
    return value.zfill(width)


def _update(run: State, value: dict[Any, Any], data: Any = None, /, **entries: Any) -> None:
    new = make_dict(run, data, **entries)
    if isinstance(value, LiveDict):
        _update_deep(run, value, new)
        return
    run.budget.charge(len(new))
    marks, new_marks = run.marks.of_dict(value), run.marks.of_dict(new)
    for key, item in new.items():
        value[key] = item
        marks[key] = new_marks.get(key) or run.here()


def _update_deep(run: State, value: dict[Any, Any], new: dict[Any, Any], delete: bool = False) -> None:
    """What ``update`` of a base's dict does: dicts into dicts; with ``delete``, ``_delete_`` replaces (``merge``)."""
    marks, new_marks = run.marks.of_dict(value), run.marks.of_dict(new)
    for key, item in new.items():
        run.budget.charge(1)
        old = value.get(key)
        if isinstance(item, dict) and isinstance(old, dict) and not (delete and item.get("_delete_")):
            _update_deep(run, old, {k: v for k, v in item.items() if not (delete and k == "_delete_")}, delete)
            old_marks = run.marks.of_dict(old)
            old_marks.update({k: m for k, m in run.marks.of_dict(item).items() if k in item})
            continue
        if delete and isinstance(item, dict):
            if key in value and not isinstance(old, dict) and not item.get("_delete_"):
                raise TypeError(f"a dict cannot be merged into {key!r}, which is no dict in the base")
            item = deepcopy(run, item)
            if key in value:
                item.pop("_delete_", None)
        value[key] = item
        marks[key] = new_marks.get(key) or run.here()


def _merge(run: State, value: dict[Any, Any], new: Any, /) -> None:
    if not isinstance(value, LiveDict) or not isinstance(new, dict):
        raise TypeError("merge() is a method of a base's dicts and takes a dict")
    _update_deep(run, value, new, delete=True)


def _get(run: State, value: dict[Any, Any], key: Any, default: Any = None, /) -> Any:
    return value.get(run.key(key), default)


_MISSING = object()


def _dict_pop(run: State, value: dict[Any, Any], key: Any, default: Any = _MISSING, /) -> Any:
    key = run.key(key)
    if key not in value and default is _MISSING:
        raise KeyError(key)
    return value.pop(key, default)


def _setdefault(run: State, value: dict[Any, Any], key: Any, default: Any = None, /) -> Any:
    key = run.key(key)
    if key not in value:
        value[key] = default
        run.marks.of_dict(value)[key] = run.here()
    return value[key]


def _items(run: State, value: dict[Any, Any]) -> list[tuple[Any, Any]]:
    run.budget.charge(2 * len(value))
    return list(value.items())


def _keys(run: State, value: dict[Any, Any]) -> list[Any]:
    run.budget.charge(len(value))
    return list(value)


def _values(run: State, value: dict[Any, Any]) -> list[Any]:
    run.budget.charge(len(value))
    return list(value.values())


def _append(run: State, value: list[Any], item: Any, /) -> None:
    marks = run.marks.of_items(value)
    value.append(item)
    marks.append(run.here())


def extend(run: State, value: list[Any], items: Any, /) -> None:
    """``list.extend``."""
    new = list(run.iterate(items))
    known = run.marks.of_items(items) if isinstance(items, list | tuple) else []
    run.marks.of_items(value).extend(known if len(known) == len(new) else [run.here()] * len(new))
    value.extend(new)


def _insert(run: State, value: list[Any], index: int, item: Any, /) -> None:
    run.budget.charge(1 + len(value) // 64)
    marks = run.marks.of_items(value)
    if len(marks) == len(value):
        marks.insert(index, run.here())
    value.insert(index, item)


def _pop(run: State, value: list[Any], index: int = -1, /) -> Any:
    run.budget.charge(1 + len(value) // 64)
    marks = run.marks.of_items(value)
    if len(marks) == len(value) and -len(value) <= index < len(value):
        marks.pop(index)
    return value.pop(index)


def _search(name: str) -> Callable[..., Any]:
    def call(run: State, value: Any, item: Any, /) -> Any:
        if not isinstance(item, DATA):
            raise TypeError("only data can be looked for")
        contains(value, item, run.budget)  # charges for the comparisons
        return getattr(value, name)(item)

    return call


def _remove(run: State, value: list[Any], item: Any, /) -> None:
    _pop(run, value, _search("index")(run, value, item))


def _reverse(run: State, value: list[Any]) -> None:
    run.budget.charge(len(value))
    value.reverse()
    run.marks.of_items(value).reverse()


def _sort(run: State, value: list[Any], *, reverse: bool = False) -> None:
    value[:] = safe_sorted(run, value, reverse=reverse)
    run.marks.set_items(value, [])


def _clear(run: State, value: Any) -> None:
    value.clear()
    if isinstance(value, list):
        run.marks.set_items(value, [])


def _set_add(run: State, value: set[Any], item: Any, /) -> None:
    value.add(run.key(item))


METHODS: dict[type, dict[str, Callable[..., Any]]] = {
    str: {
        **{
            name: _text(name)
            for name in re.findall(
                r"\w+",
                "lower upper title capitalize startswith endswith strip lstrip rstrip removeprefix removesuffix "
                "split rsplit splitlines count find index isdigit isalpha",
            )
        },
        "join": _join,
        "replace": _replace,
        "zfill": _zfill,
        "format": lambda run, value, *args, **entries: format_text(value, list(args), entries, run.budget),
    },
    dict: {
        "update": _update,
        "merge": _merge,
        "copy": shallow_copy,
        "get": _get,
        "pop": _dict_pop,
        "setdefault": _setdefault,
        "items": _items,
        "keys": _keys,
        "values": _values,
        "clear": _clear,
    },
    list: {
        "append": _append,
        "extend": extend,
        "insert": _insert,
        "pop": _pop,
        "index": _search("index"),
        "count": _search("count"),
        "remove": _remove,
        "reverse": _reverse,
        "sort": _sort,
        "copy": shallow_copy,
        "clear": _clear,
    },
    tuple: {"index": _search("index"), "count": _search("count")},
    set: {"add": _set_add, "copy": shallow_copy},
    Environ: {"get": lambda run, value, *args: getenv(run, *args)},
}


def find_method(value: Any, name: str) -> Callable[..., Any] | None:
    """The method of a value by its name, or None."""
    for kind, table in METHODS.items():
        if isinstance(value, kind):
            return table.get(name)
    return None
