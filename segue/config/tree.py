"""ConfigDict: a dict whose keys are also attributes, and which remembers where its values were written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


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

    def update(self, *others: Any, **entries: Any) -> None:  # type: ignore[override]  # recursive, unlike dict's
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
        from segue.config.merge import merge_into  # merge.py is written in terms of this class

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
        return copy_tree(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuild, (list(self.items()), self._marks)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return self.__reduce__()

    def to_dict(self) -> dict[Any, Any]:
        """Plain nested dicts, without origins."""
        return to_plain(self)


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
