"""What the reader makes of things it must not make: names that are never imported, objects that do nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Name:
    """A class or function that a file mentions. It is never imported or called.

    ``build`` is Segue's own constructor for the few names that mean plain data (tensors, arrays, containers); without
    one, an instance becomes a ``StandIn``.
    """

    __slots__ = ("build", "module", "name")

    def __init__(self, module: str, name: str, build: Callable[..., Any] | None = None) -> None:
        self.module = module
        self.name = name
        self.build = build

    def __repr__(self) -> str:
        return f"{self.module}.{self.name}"


class Method(Name):
    """A method that a file mentions: data that nothing can be made of."""

    __slots__ = ()


class StandIn:
    """An object of a class that was not loaded: its class name and the data it was stored with.

    Attributes:
        args: the arguments it would have been constructed with.
        state: its attributes, usually a dict, or None.
        items: what it held if it was a kind of dict.
        entries: what it held if it was a kind of list or set.
    """

    __slots__ = ("args", "entries", "items", "module", "name", "state")

    def __init__(self, module: str, name: str, args: tuple[Any, ...] = (), state: Any = None) -> None:
        self.module = module
        self.name = name
        self.args = args
        self.state = state
        self.items: dict[Any, Any] = {}
        self.entries: list[Any] = []

    def __repr__(self) -> str:
        return f"<{self.module}.{self.name}, not loaded>"


class ArrayInProgress:
    """A numpy array between its two opcodes: announced, not yet given shape and bytes.

    ``slots`` are the memo entries that must hold the array once it exists.
    """

    __slots__ = ("slots",)

    def __init__(self) -> None:
        self.slots: list[int] = []


class ArrayType:
    """A numpy dtype as a file spells it: a code such as ``f8`` and a byte order."""

    __slots__ = ("code", "order")

    def __init__(self, code: str, order: str = "=") -> None:
        self.code = code
        self.order = order

    def __repr__(self) -> str:
        return f"dtype({self.order}{self.code})"
