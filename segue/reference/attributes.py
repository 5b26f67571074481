"""Which arguments of mmseg's models become attributes, with their defaults: user code reads them back.

``attributes.json`` is what ``tools/record_attributes.py`` found by looking at mmseg 1.2.2.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any


@functools.cache
def _table() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
    return found


def defaults_of(name: str) -> dict[str, Any]:
    """The attributes of a class of the reference and their defaults, new ones at each call; none of another class."""
    return {key: _plain(value) for key, value in _table().get(name, {}).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        items = {key: _plain(item) for key, item in value.items()}
        return tuple(items["tuple"]) if list(items) == ["tuple"] else items
    return value
