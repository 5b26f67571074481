"""ConfigDict: a dict whose keys are also attributes, and which remembers where its values were written.

A child config changes its base by `merge_into`: dicts merge key by key; everything else (lists included) replaces. A
dict with ``_delete_=True`` replaces the base's value instead of merging with it. Only ``--cfg-options`` may address the
elements of a list, by index.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from segue.config.marks import Items, Mark, Origin, origin
from segue.errors import ConfigError, Problem

DELETE = "_delete_"


class ConfigDict(dict[Any, Any]):
    """A dict with attribute access at every depth.

    Dicts assigned to it become ``ConfigDict`` too, also inside lists and tuples, which keep their type. A key that is
    the name of a dict method (``items``) is reachable as an item only. ``update`` merges nested dicts; ``merge`` also
    honors ``_delete_``. ``segue.config.origin_of(node, "key")`` tells the file and line of a value.
    """

    __slots__ = ("_marks",)

    _marks: dict[Any, Any]

    def __new__(cls, *args: Any, **entries: Any) -> ConfigDict:  # noqa: D102  # the class is documented
        node = super().__new__(cls)
        object.__setattr__(node, "_marks", {})
        return node

    def __init__(self, data: Mapping[Any, Any] | Iterable[tuple[Any, Any]] = (), /, **entries: Any) -> None:
        super().__init__()
        if isinstance(data, ConfigDict):
            self._marks.update(data._marks)
        for key, value in dict(data, **entries).items():
            dict.__setitem__(self, key, to_tree(value))

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"'ConfigDict' object has no attribute '{name}'") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        if name not in self:
            raise AttributeError(f"'ConfigDict' object has no attribute '{name}'")
        del self[name]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._marks.pop(key, None)
        super().__setitem__(key, to_tree(value))

    def put(self, key: Any, value: Any, mark: Any) -> None:
        """Set a value that is already a tree, with the mark of where it was written."""
        dict.__setitem__(self, key, value)
        if mark is None:
            self._marks.pop(key, None)
        else:
            self._marks[key] = mark

    def pop(self, key: Any, default: Any = None) -> Any:
        """Remove a key and return its value, or the default (None) where a plain dict would raise KeyError."""
        self._marks.pop(key, None)
        return super().pop(key, default)

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """The value of a key, set to ``default`` first where it is missing."""
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *others: Any, **entries: Any) -> None:  # recursive, unlike dict's
        """Merge another mapping into this one, dicts into dicts."""
        for other in (*others, entries):
            source = other if isinstance(other, ConfigDict) else ConfigDict(other)
            for key, value in source.items():
                if isinstance(value, dict) and isinstance(self.get(key), ConfigDict):
                    self[key].update(value)
                else:
                    self.put(key, copy_tree(value), source._marks.get(key))

    def merge(self, other: Mapping[Any, Any]) -> None:
        """Merge as a child config is merged into its base: ``_delete_=True`` replaces instead."""
        merge_into(self, other if isinstance(other, ConfigDict) else ConfigDict(other))

    def __or__(self, other: Any) -> Any:
        if not isinstance(other, dict):
            return NotImplemented
        result = copy_tree(self)
        result.update(other)
        return result

    def __ior__(self, other: Any) -> Any:
        self.update(other)
        return self

    def copy(self) -> ConfigDict:
        """A shallow copy: nested dicts and lists are shared, origins are kept."""
        return rebuild(list(self.items()), self._marks)

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> ConfigDict:
        copied: ConfigDict = copy_tree(self)
        return copied

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuild, (list(self.items()), self._marks)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return self.__reduce__()

    def to_dict(self) -> dict[Any, Any]:
        """Plain nested dicts, without origins."""
        plain: dict[Any, Any] = to_plain(self)
        return plain


def rebuild(items: list[tuple[Any, Any]], marks: dict[Any, Any]) -> ConfigDict:
    """A ConfigDict from parts that already are trees."""
    node = ConfigDict()
    dict.update(node, items)
    node._marks.update(marks)
    return node


def _sequence(value: Any, items: list[Any]) -> Any:
    """``items`` in the type of ``value``, which is a list or tuple (named tuples take their fields one by one)."""
    kind = type(value)
    return kind(*items) if hasattr(kind, "_fields") else kind(items)


def to_tree(value: Any) -> Any:
    """Dicts as ConfigDict at any depth; a value that is a tree already is returned as it is, lists are copied."""
    if isinstance(value, ConfigDict):
        return value
    if isinstance(value, dict):
        return ConfigDict(value)
    if type(value) is list:
        return [to_tree(item) for item in value]
    if isinstance(value, tuple):
        return _sequence(value, [to_tree(item) for item in value])
    return value


def copy_tree(value: Any) -> Any:
    """A deep copy that keeps origins; leaves are shared."""
    if isinstance(value, ConfigDict):
        node = ConfigDict()
        for key, item in value.items():
            dict.__setitem__(node, key, copy_tree(item) if isinstance(item, dict | list | tuple | set) else item)
        node._marks.update(value._marks)
        return node
    if isinstance(value, dict):
        return ConfigDict(value)
    if isinstance(value, list | tuple):
        return _sequence(value, [copy_tree(item) for item in value])
    return set(value) if isinstance(value, set) else value


def to_plain(value: Any) -> Any:
    """ConfigDicts as plain dicts at any depth."""
    if isinstance(value, dict):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return _sequence(value, [to_plain(item) for item in value])
    return value


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


def nest(options: Mapping[Any, Any], origin: Origin) -> ConfigDict:
    """``{"a.b": 1}`` as the tree ``{"a": {"b": 1}}``, every part marked with the origin."""
    tree = ConfigDict()
    for dotted, value in options.items():
        node = tree
        parts = dotted.split(".") if isinstance(dotted, str) else [dotted]
        for count, part in enumerate(parts[:-1], 1):
            inner = dict.get(node, part)
            if inner is None or part not in node:
                inner = ConfigDict()
                node.put(part, inner, origin)
            if not isinstance(inner, ConfigDict):
                earlier = ".".join(parts[:count])
                raise ConfigError(Problem(dotted, f"{earlier} was given the value {inner!r} before", str(origin)))
            node = inner
        node.put(parts[-1], *_marked(copy_tree(to_tree(value)), origin))
    return tree


def _marked(value: Any, origin: Origin) -> tuple[Any, Mark]:
    if isinstance(value, ConfigDict):
        for key, item in value.items():
            value._marks[key] = _marked(item, origin)[1]
    elif isinstance(value, list | tuple):
        return value, Items(origin, tuple(_marked(item, origin)[1] for item in value))
    return value, origin


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
