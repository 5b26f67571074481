"""Whether a model's or head's logits are but the resize of coarser ones, which prediction then computes by bands."""

from __future__ import annotations

from typing import Any


def resizes_only(head: Any) -> bool:
    """Whether ``head.predict`` is the resize of ``head.coarse``, and not of a class's own."""
    return hasattr(head, "coarse") and not defined_below(type(head), "predict", "coarse")


def defined_below(cls: type, name: str, other: str) -> bool:
    """Whether ``name`` comes from a subclass of the class that ``other`` comes from."""
    first = next(owner for owner in cls.__mro__ if name in vars(owner) or other in vars(owner))
    return other not in vars(first)
