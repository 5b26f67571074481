"""Segue's own constructors for the plain containers and values that checkpoints are made of.

Each stands for a class or function of Python's library, takes only arguments that are plain data already, and pays for
what it makes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from segue.checkpoints.safe import storages
from segue.checkpoints.safe.inert import Name, StandIn
from segue.checkpoints.safe.limits import Budget

# Plain containers -----------------------------------------------------------------------------------------------------


def pairs(budget: Budget, args: tuple[Any, ...], target: dict[Any, Any]) -> dict[Any, Any]:
    """Fill ``target`` from a dict or a list of pairs among ``args``, as the constructors of dicts do."""
    for source in args:
        if isinstance(source, dict):
            budget.charge(180 * len(source))
            target.update(source)
        elif isinstance(source, (list, tuple)):
            budget.charge(180 * len(source))
            for key, value in source:
                if type(key) is not str and (type(key) is not int or key.bit_length() > 64):
                    raise budget.refused("has a dictionary key that is not plain data")
                target[key] = value
    return target


def ordered_dict(budget: Budget, *args: Any) -> OrderedDict[Any, Any]:
    """``collections.OrderedDict``."""
    result: OrderedDict[Any, Any] = OrderedDict()
    pairs(budget, args, result)
    return result


def plain_dict(budget: Budget, *args: Any) -> dict[Any, Any]:
    """The kinds of dict of config libraries, and ``defaultdict`` without its factory."""
    return pairs(budget, args, {})


def plain_list(budget: Budget, items: Any = (), *_: Any) -> list[Any]:
    """``list`` of what is already a container."""
    return list(entries(budget, items))


def plain_tuple(budget: Budget, items: Any = (), *_: Any) -> tuple[Any, ...]:
    """``tuple`` and ``torch.Size`` of what is already a container."""
    return tuple(entries(budget, items))


def plain_set(budget: Budget, items: Any = (), *_: Any) -> set[Any]:
    """``set`` of scalars; pickle hands it a list."""
    return set(scalars(budget, items))


def plain_frozenset(budget: Budget, items: Any = (), *_: Any) -> frozenset[Any]:
    """``frozenset`` of scalars."""
    return frozenset(scalars(budget, items))


def entries(budget: Budget, items: Any) -> Any:
    """The entries of a list, tuple or set; never of a number or an iterator."""
    if not isinstance(items, (list, tuple, set, frozenset)):
        raise budget.damaged("a list is made of something else")
    budget.charge(8 * len(items))
    return items


def scalars(budget: Budget, items: Any) -> Any:
    """Entries that can be members of a set."""
    if not all(
        isinstance(item, (str, float, bytes, Name)) or storages.is_count(item) for item in entries(budget, items)
    ):
        raise budget.refused("has a set with members that are not plain data")
    budget.charge(64 * len(items))
    return items


# Plain values ---------------------------------------------------------------------------------------------------------


def encoded(budget: Budget, text: Any = "", encoding: Any = "", *_: Any) -> bytes:
    """``_codecs.encode``: how protocols 0-2 write bytes."""
    if type(text) is not str or encoding not in ("latin1", "latin-1"):
        raise budget.damaged("bytes are written in an unknown way")
    budget.charge(len(text))
    return text.encode("latin-1")


def plain_bytes(budget: Budget, *args: Any) -> bytes:
    """``bytes()``, the empty bytes of protocols 0-2; never ``bytes(10**12)``."""
    if args and type(args[0]) is str:
        return encoded(budget, *args)
    if args and not isinstance(args[0], (bytes, bytearray)):
        raise budget.refused("makes bytes from a number")
    return bytes(*args)


def plain_bytearray(budget: Budget, *args: Any) -> bytearray:
    """``bytearray`` from bytes or encoded text."""
    return bytearray(plain_bytes(budget, *args))


def number(kind: type) -> Callable[..., Any]:
    """``int``, ``float``, ``bool``, ``complex`` of plain numbers, or nothing at all."""

    def build(budget: Budget, *args: Any) -> Any:
        if not all(type(arg) in (int, float, bool) for arg in args):
            raise budget.damaged("a number is made of something else")
        return kind(*args)

    return build


def plain_slice(budget: Budget, *args: Any) -> slice:
    """``slice``."""
    if not all(arg is None or type(arg) is int for arg in args):
        raise budget.damaged("a slice is made of something else")
    return slice(*args)


def text(budget: Budget, *args: Any) -> str:
    """Paths, version numbers and devices, as text."""
    budget.charge(64 + sum(len(arg) for arg in args if type(arg) is str))
    return "/".join(str(arg) for arg in args if type(arg) in (str, int)).replace("//", "/")


def device(budget: Budget, *args: Any) -> str:
    """``torch.device``, as text."""
    return text(budget, *args).replace("/", ":")


def reconstructed(budget: Budget, kind: Any = None, *_: Any) -> Any:
    """``copyreg._reconstructor``: how protocols 0 and 1 make an object before they give it a state."""
    if not isinstance(kind, Name):
        raise budget.damaged("an object has no class")
    return kind.build(budget) if kind.build else StandIn(kind.module, kind.name)
