"""What became of every key of a 0.x config (used, translated or ignored), and parts that keep their origins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from segue.config.marks import Mark, origin
from segue.config.tree import ConfigDict, to_tree
from segue.errors import Problem

Fate = Literal["used", "translated", "ignored"]


@dataclass(frozen=True)
class Entry:
    """One key of the 0.x config: what became of it, the new key or the reason, and where it was written."""

    key: str
    fate: Fate
    note: str
    where: str


@dataclass
class Ledger:
    """All entries, and what cannot be translated."""

    entries: list[Entry] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def note(self, key: str, fate: Fate, note: str, mark: Mark = None) -> None:
        """Write down what became of a key."""
        self.entries.append(Entry(key, fate, note, str(origin(mark) or "")))

    def problem(self, key: str, message: str, mark: Mark = None) -> None:
        """Write down what has no counterpart and changes results, so that it must not pass in silence."""
        self.problems.append(Problem(key, message, str(origin(mark) or "")))


class Old:
    """A dict of the 0.x config while it is read: what is taken from it is noted, what is left can be asked for."""

    def __init__(self, node: Mapping[str, Any], path: str, ledger: Ledger) -> None:
        self.node = node if isinstance(node, ConfigDict) else ConfigDict(node)
        self.path, self.ledger = path, ledger
        self.seen: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self.node

    def mark(self, key: str) -> Mark:
        """Where a key was written."""
        return self.node._marks.get(key)

    def at(self, key: str) -> str:
        """The key path of a key."""
        return f"{self.path}.{key}" if self.path else key

    def take(self, key: str, to: str, default: Any = None) -> Any:
        """The value of a key, which is translated to ``to``."""
        if key not in self.node:
            return default
        self.seen.add(key)
        self.ledger.note(self.at(key), "translated", to, self.mark(key))
        return self.node[key]

    def move(self, key: str, target: ConfigDict, name: str, to: str | None = None, default: Any = ...) -> None:
        """Put a key's value into ``target`` under ``name``, with its origin; a default where it is missing."""
        if key in self.node:
            where = to or name
            self.seen.add(key)
            self.ledger.note(self.at(key), "used" if where == self.at(key) else "translated", where, self.mark(key))
            target.put(name, self.node[key], self.mark(key))
        elif default is not ...:
            target[name] = default

    def drop(self, key: str, why: str) -> None:
        """Note that a key means nothing any more."""
        if key in self.node:
            self.seen.add(key)
            self.ledger.note(self.at(key), "ignored", why, self.mark(key))

    def rest(self) -> list[str]:
        """The keys that nobody has taken."""
        return [key for key in self.node if key not in self.seen]


def derived(mark: Mark, **entries: Any) -> ConfigDict:
    """A dict whose values all come from one place of the old config."""
    node = ConfigDict()
    for key, value in entries.items():
        node.put(key, to_tree(value), mark)
    return node


def renamed(node: ConfigDict, names: Mapping[str, str], *, kind: str | None = None) -> ConfigDict:
    """A copy of a dict with other names for some keys ("" drops one), and perhaps another ``type``."""
    new = ConfigDict()
    for key, value in node.items():
        name = names.get(key, key)
        if name:
            new.put(name, value, node._marks.get(key))
    if kind is not None:
        new.put("type", kind, node._marks.get("type"))
    return new
