"""What stands beside weights in a file, as JSON: numbers, text, lists and dicts; not more than a header can hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

MAX_NOTES = 4 << 20  # bytes that one note may take as JSON; configs and palettes have some kB
_ELEMENT, _OBJECT = 24, 64


def plain(value: Any) -> Any:
    """``value`` as JSON can hold it; foreign objects become their text."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(entry) for entry in value]
    if isinstance(value, (np.ndarray, np.generic, Tensor)):
        return value.tolist()
    return str(value)


def fitting_notes(notes: Mapping[str, Any], limit: int = MAX_NOTES) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The notes that a header can hold, and the keys of those that are too large.

    What a file says once it may mean a million times (a text under many keys, an array that is one number repeated), so
    each is weighed as it would be written, before it is.
    """
    kept = {key: value for key, value in notes.items() if _weight(value, limit) <= limit}
    return kept, tuple(str(key) for key in notes if key not in kept)


def _weight(value: Any, limit: int) -> int:
    """About how many bytes a value takes as JSON; counting ends above the limit."""
    total = 0
    pending = [value]
    while pending and total <= limit:
        item = pending.pop()
        if isinstance(item, str):
            total += len(item) + 2
        elif isinstance(item, (np.ndarray, Tensor)):
            total += _ELEMENT * int(np.prod(item.shape, dtype=float) if isinstance(item, np.ndarray) else item.numel())
        elif isinstance(item, Mapping):
            total += _OBJECT * len(item) + sum(len(str(key)) for key in item)
            pending.extend(item.values())
        elif isinstance(item, (list, tuple, set, frozenset)):
            total += _OBJECT // 8 * len(item)
            pending.extend(item)
        elif isinstance(item, int) and not isinstance(item, bool):
            total += item.bit_length() // 3 + 1
        elif isinstance(item, (bytes, bytearray)):
            total += 4 * len(item)
        else:
            total += _ELEMENT
    return total
