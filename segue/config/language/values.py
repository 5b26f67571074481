"""Values while a file is being interpreted: plain dicts, lists and tuples, with their marks in a table beside them.

``freeze`` turns them into the ConfigDict tree of the result; ``thaw`` does the reverse for a base that the file reads.
"""

from __future__ import annotations

from typing import Any

from segue.config.language.budget import MAX_DEPTH, Budget
from segue.config.language.operators import describe
from segue.config.marks import Items, Mark, children, origin
from segue.config.tree import ConfigDict


class LiveDict(dict[Any, Any]):
    """A dict that came from a base: it also has attribute access, a recursive ``update`` and ``merge``."""


class ImportedName:
    """A name that a new-style config imports, known only by its dotted path; nothing is imported."""

    def __init__(self, dotted: str) -> None:
        self.dotted = dotted

    @property
    def kind(self) -> str:
        """What messages call it."""
        return f"{self.dotted}, which only running the config tells (--trust-config runs it, if you trust its author),"

    def __bool__(self) -> bool:
        raise TypeError(f"{self.kind} is neither true nor false here")

    def __len__(self) -> int:
        raise TypeError(f"{self.kind} has no length")

    def config_name(self) -> str:
        """The string that stands for it in ``type=``: as classic configs write it, else the dotted path."""
        package, _, _ = self.dotted.partition(".")
        name = self.dotted.rpartition(".")[2]
        if package in ("mmseg", "mmengine", "mmcv") or self.dotted.startswith("torch.optim."):
            return name
        if package in ("mmdet", "mmpretrain"):
            return f"{package}.{name}"
        return self.dotted


class MarkTable:
    """Marks of containers by identity: a dict's by key, a list's or tuple's by position."""

    def __init__(self) -> None:
        self._marks: dict[int, tuple[Any, Any]] = {}  # the container is kept too, so that its id stays its own

    def of_dict(self, container: dict[Any, Any]) -> dict[Any, Mark]:
        """The marks of a dict, to read or change."""
        entry = self._marks.get(id(container))
        if entry is None:
            entry = self._marks[id(container)] = (container, {})
        return entry[1]

    def of_items(self, container: Any) -> list[Mark]:
        """The marks of a list or tuple; empty where they are not known."""
        entry = self._marks.get(id(container))
        return entry[1] if entry is not None and isinstance(entry[1], list) else []

    def set_items(self, container: Any, marks: list[Mark]) -> Any:
        """Remember the marks of a list or tuple; returns the container."""
        if container or type(container) is list:  # the empty tuple is one object for all
            self._marks[id(container)] = (container, marks)
        return container


def frozen_tree(values: dict[str, Any], table: MarkTable, budget: Budget) -> ConfigDict:
    """The variables of a file as they stay in the result."""
    tree: ConfigDict = freeze(values, table, None, budget)[0]
    return tree


def freeze(value: Any, table: MarkTable, mark: Mark, budget: Budget, depth: int = 0) -> tuple[Any, Mark]:
    """A value as it stays in the result, and its mark; parts without marks take the one of what holds them."""
    if isinstance(value, str):
        budget.charge(1 + len(value) // 64)
        return value, mark
    budget.charge(1)
    if isinstance(value, dict | list | tuple):
        if depth >= MAX_DEPTH:
            raise budget.refuse(f"values are nested more than {MAX_DEPTH} levels deep")
        if isinstance(value, dict):
            budget.charge(2)  # a dict costs more than a number
            marks = table.of_dict(value)
            node = ConfigDict()
            for key, item in value.items():
                node.put(key, *freeze(item, table, marks.get(key) or mark, budget, depth + 1))
            return node, mark
        if isinstance(value, list) or type(value) is tuple:
            known = table.of_items(value)
            if len(known) != len(value):
                known = [mark] * len(value)
            parts = [
                freeze(item, table, item_mark or mark, budget, depth + 1)
                for item, item_mark in zip(value, known, strict=True)
            ]
            items = [part for part, _ in parts]
            return type(value)(items), Items(origin(mark), tuple(part_mark for _, part_mark in parts))
    if isinstance(value, ImportedName):
        return value.config_name(), mark
    if isinstance(value, set):
        return set(value), mark
    if not isinstance(value, int | float | range | None):
        raise budget.refuse(f"{describe(value)} as a value")
    return value, mark


def thaw(value: Any, table: MarkTable, mark: Mark, budget: Budget) -> Any:
    """A copy of a tree as live values, its marks in the table."""
    budget.charge(1 + len(value) // 64 if isinstance(value, str) else 1)
    if isinstance(value, ConfigDict):
        live = LiveDict()
        marks = table.of_dict(live)
        for key, item in value.items():
            marks[key] = value._marks.get(key)
            live[key] = thaw(item, table, marks[key], budget)
        return live
    if type(value) in (list, tuple):
        known = children(mark, len(value))
        items = [thaw(item, table, item_mark, budget) for item, item_mark in zip(value, known, strict=True)]
        return table.set_items(type(value)(items), list(known))
    return set(value) if isinstance(value, set) else value
