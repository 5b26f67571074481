"""Writes a config as .py, .yaml or .json text that reads back as the same values."""

from __future__ import annotations

import json
import keyword
import math
from collections.abc import Iterable
from typing import Any

import yaml

from segue.config.language.documents import FLOAT
from segue.config.tree import to_plain
from segue.errors import ConfigError

WIDTH = 88


def to_python(tree: dict[Any, Any]) -> str:
    """The .py form: one assignment per variable, keys sorted at every level."""
    lines = []
    for key in ordered(tree):
        if not is_name(key):
            message = f"{key!r} cannot be a variable, so the config cannot be written as .py; use .yaml or .json"
            raise ConfigError(message)
        lines.append(f"{key} = {layout(tree[key], 0, len(str(key)) + 3)}\n")
    return "".join(lines)


def ordered(keys: Iterable[Any]) -> list[Any]:
    """Keys in a fixed order: text first, alphabetically."""
    return sorted(keys, key=lambda key: (not isinstance(key, str), str(key)))


def is_name(key: Any) -> bool:
    """Whether a key can be written as a keyword argument."""
    return isinstance(key, str) and key.isidentifier() and not keyword.iskeyword(key)


def layout(value: Any, indent: int, used: int = 0) -> str:
    """Python source of a value, broken into lines where one would be too long.

    Args:
        value: the value.
        indent: the indentation of the line it starts on.
        used: how much of that line is taken, beyond the indentation.
    """
    flat = literal(value)
    if indent + used + len(flat) <= WIDTH or not isinstance(value, dict | list | tuple) or not value:
        return flat
    pad = " " * (indent + 4)
    if isinstance(value, dict):
        named = all(is_name(key) for key in value)
        opening, closing = ("dict(", ")") if named else ("{", "}")
        rows = []
        for key in ordered(value):
            head = f"{key}=" if named else f"{literal(key)}: "
            rows.append(f"{pad}{head}{layout(value[key], indent + 4, len(head) + 1)},")
    else:
        opening, closing = ("[", "]") if isinstance(value, list) else ("(", ")")
        if any(isinstance(item, dict | list | tuple) for item in value):
            rows = [f"{pad}{layout(item, indent + 4, 1)}," for item in value]
        else:
            rows = _filled([literal(item) for item in value], pad)
    return "\n".join([opening, *rows, " " * indent + closing])


def _filled(items: list[str], pad: str) -> list[str]:
    """Short items, as many per line as fit."""
    rows, line = [], ""
    for item in items:
        piece = f"{item},"
        if line and len(pad) + len(line) + 1 + len(piece) > WIDTH:
            rows.append(pad + line)
            line = ""
        line = f"{line} {piece}" if line else piece
    return [*rows, pad + line]


def literal(value: Any) -> str:
    """Python source of a value on one line."""
    if isinstance(value, dict):
        if all(is_name(key) for key in value):
            return f"dict({', '.join(f'{key}={literal(value[key])}' for key in ordered(value))})"
        return "{" + ", ".join(f"{literal(key)}: {literal(value[key])}" for key in ordered(value)) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(literal, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, set | frozenset):
        return "{" + ", ".join(sorted(map(literal, value))) + "}" if value else "set()"
    if isinstance(value, float) and not math.isfinite(value):
        return f"float('{value}')"
    if isinstance(value, str):
        text = repr(value)
        # Two braces would be taken for a template when the text is read again.
        return text.replace("{{", f"{{{text[0]} {text[0]}{{") if "{{" in text else text
    if isinstance(value, type):
        return repr(f"{value.__module__}.{value.__qualname__}")
    return repr(value)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _sequence(dumper: yaml.SafeDumper, data: Any) -> yaml.Node:
    """A list or tuple; on one line if it holds no others."""
    flat = not any(isinstance(item, dict | list | tuple) for item in data)
    tag = "python/tuple" if isinstance(data, tuple) else "seq"
    return dumper.represent_sequence(f"tag:yaml.org,2002:{tag}", data, flow_style=flat)


_Dumper.add_representer(tuple, _sequence)
_Dumper.add_representer(list, _sequence)
_Dumper.add_representer(range, lambda dumper, data: dumper.represent_list(list(data)))
_Dumper.add_representer(set, lambda dumper, data: dumper.represent_list(sorted(data, key=repr)))
_Dumper.add_multi_representer(object, lambda dumper, data: dumper.represent_str(_as_name(data)))
# Text that looks like 1e-3 must be quoted, because our reader takes it for a number.
_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", FLOAT, list("-+0123456789"))


def to_yaml(tree: dict[Any, Any]) -> str:
    """The .yaml form; tuples have the tag ``!!python/tuple``."""
    return yaml.dump(
        to_plain(tree), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH, default_flow_style=False
    )


def to_json(tree: dict[Any, Any]) -> str:
    """The .json form: tuples become lists, keys become text."""

    def other(value: Any) -> Any:
        if isinstance(value, set | range):
            return sorted(value, key=repr) if isinstance(value, set) else list(value)
        return _as_name(value)

    return json.dumps(to_plain(tree), default=other, ensure_ascii=False, indent=2) + "\n"


def _as_name(value: Any) -> str:
    return f"{value.__module__}.{value.__qualname__}" if isinstance(value, type) else str(value)


FORMATS = {".py": to_python, ".yaml": to_yaml, ".yml": to_yaml, ".json": to_json}
