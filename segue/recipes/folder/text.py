"""Config text in which a comment stands beside each value that a rule has chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from segue.config.dump import literal

_WIDTH = 100


@dataclass(frozen=True)
class Noted:
    """A value with a comment."""

    value: Any
    why: str


class Source(str):
    """Text that stands for itself, such as the name of a variable."""

    def __repr__(self) -> str:
        return str(self)


def assigned(name: str, value: Any) -> str:
    """``name = value``, with the comments of what is in it; keys stay in their order."""
    why = value.why if isinstance(value, Noted) else ""
    if isinstance(value, Noted):
        value = value.value
    text = f"{name} = {render(value, 0)}"
    return _with(text, why, 0) + "\n"


def render(value: Any, indent: int) -> str:
    """Source of a value, on one line where it fits and nothing in it has a comment."""
    if isinstance(value, Source):
        return str(value)
    if not _noted(value) and not _long(value, indent):
        return _flat(value)
    pad = " " * (indent + 4)
    rows = []
    if isinstance(value, Mapping):
        named = all(isinstance(key, str) and key.isidentifier() for key in value)
        for key, item in value.items():
            head = f"{key}=" if named else f"{literal(key)}: "
            inner = item.value if isinstance(item, Noted) else item
            text = f"{pad}{head}{render(inner, indent + 4)},"
            rows.append(_with(text, item.why if isinstance(item, Noted) else "", indent + 4))
        return "\n".join(["dict(" if named else "{", *rows, " " * indent + (")" if named else "}")])
    if isinstance(value, (list, tuple)):
        for item in value:
            inner = item.value if isinstance(item, Noted) else item
            text = f"{pad}{render(inner, indent + 4)},"
            rows.append(_with(text, item.why if isinstance(item, Noted) else "", indent + 4))
        ends = "[]" if isinstance(value, list) else "()"
        return "\n".join([ends[0], *rows, " " * indent + ends[1]])
    return _flat(value)


def _with(text: str, why: str, indent: int) -> str:
    """The text with its comment: behind it, or above it where that would be too long."""
    if not why:
        return text
    comment = " ".join(why.split())
    if "\n" not in text and len(text) + len(comment) <= 118:
        return f"{text}  # {comment}"
    return f"{' ' * indent}# {comment}\n{text}"


def _noted(value: Any) -> bool:
    if isinstance(value, Noted):
        return True
    if isinstance(value, Mapping):
        return any(map(_noted, value.values()))
    return isinstance(value, (list, tuple)) and any(map(_noted, value))


def _long(value: Any, indent: int) -> bool:
    return isinstance(value, (Mapping, list, tuple)) and bool(value) and indent + len(_flat(value)) > _WIDTH


def _flat(value: Any) -> str:
    if isinstance(value, Source):
        return str(value)
    if isinstance(value, Mapping) and value:
        if all(isinstance(key, str) and key.isidentifier() for key in value):
            return f"dict({', '.join(f'{key}={_flat(item)}' for key, item in value.items())})"
        return "{" + ", ".join(f"{literal(key)}: {_flat(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(_flat, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(_flat, value))}{',' if len(value) == 1 else ''})"
    return literal(value)
