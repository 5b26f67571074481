"""Plain values against annotations, and how both are spelled in messages."""

from __future__ import annotations

import collections.abc
import dataclasses
import typing
from typing import Any

from segue.errors import nearest
from segue.layers.norm import Norm
from segue.types import COMPONENTS, Activation

PLAIN = (int, float, str, bool)


def leaf_problem(value: Any, choices: list[Any]) -> str | None:
    """What is wrong with a number, text or truth value where ``choices`` are the types allowed; None if it is right."""
    for choice in choices:
        if typing.get_origin(choice) is typing.Literal:
            if value in typing.get_args(choice):
                return None
        elif choice not in PLAIN:
            if _accepts_leaf(choice, value):
                return None
        elif isinstance(value, bool):
            if choice is bool:
                return None
        elif isinstance(value, choice) or (choice is float and isinstance(value, int)):
            return None
    if not choices:
        return None
    literals = [str(v) for c in choices if typing.get_origin(c) is typing.Literal for v in typing.get_args(c)]
    hint = nearest(value, literals) if isinstance(value, str) and literals else ""
    return f"expected {spell(choices)}, not {value!r}{hint}"


def _accepts_leaf(choice: Any, value: Any) -> bool:
    """Whether an annotation that is no simple type may take a plain value."""
    if choice is Norm or choice == Activation or choice in COMPONENTS or dataclasses.is_dataclass(choice):
        return not isinstance(value, (str, int, float))
    return typing.get_origin(choice) not in (collections.abc.Sequence, collections.abc.Mapping, list, tuple, dict)


#: Names of sizes of a layer, and the largest that any model has by far.
SIZES = ("channels", "num_classes", "embed_dims", "base_channels", "stem_channels", "in_channels", "out_channels")
LARGEST = 1 << 20


def size_problem(key: str, value: Any) -> str | None:
    """What is wrong with the size of a layer: none or a negative one, or one that no memory holds."""
    if not isinstance(value, int) or isinstance(value, bool) or not isinstance(key, str):
        return None
    if not (key in SIZES or key.endswith("_channels")):
        return None
    if value < 1 and key in SIZES:
        return f"must be at least 1, not {value}"
    return f"is {value}, more than the {LARGEST} that are allowed" if value > LARGEST else None


def spell(choices: list[Any]) -> str:
    """Types as a message names them: ``int or 'a' or 'b'``."""
    spelled = []
    for choice in choices:
        if typing.get_origin(choice) is typing.Literal:
            spelled.append(" or ".join(repr(v) for v in typing.get_args(choice)))
        elif choice == Activation or choice is Norm or choice in COMPONENTS:
            spelled.append("a dict with a 'type'")
        elif typing.get_origin(choice) is not None:
            spelled.append(str(choice).replace("collections.abc.", "").replace("typing.", ""))
        else:
            spelled.append(getattr(choice, "__name__", str(choice)))
    return " or ".join(spelled)


def short(value: Any) -> str:
    """A value's text, cut at 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
