"""What Segue refuses at a name of mmseg is also an error of the kinds that code written for mmseg catches.

There a wrong argument is an AssertionError, a TypeError, a ValueError or a KeyError, from place to place. Inside Segue
an `InputError` is none of them, since a caller that catches ``ValueError`` from a parser must not swallow it. So an
error gets the other kinds where it leaves through a class that user code knows by mmseg's name, and only there; it
stays the `SegueError` that it was, with its message and its traceback.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from segue.errors import SegueError

KINDS = (ValueError, TypeError, AssertionError, KeyError)
#: methods of a class of Segue by which user code comes in
ENTRANCES = ("__init__", "__getitem__", "full_init")
#: room -> others; of modules the call and not `forward`, which is traced
MORE = {
    "transforms": ("__call__", "transform"),
    "losses": ("forward",),
    "metrics": ("process", "compute_metrics", "evaluate"),
    **dict.fromkeys(("backbones", "necks", "heads"), ("__call__",)),
}


class RefusedValueError(*KINDS):  # type: ignore[misc]
    """What Segue's code refuses with a ``ValueError`` or ``TypeError`` of Python's own."""

    __str__ = Exception.__str__  # not KeyError's, of a repr


def as_there(error: SegueError) -> SegueError:
    """The same error object, of all ``KINDS`` too."""
    if not all(isinstance(error, kind) for kind in KINDS):
        error.__class__ = _both(type(error))  # type: ignore[arg-type]
    return error


def entrance(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method whose refusals are of ``KINDS``."""

    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except SegueError as error:
            as_there(error)
            raise
        except KINDS as error:
            if type(error) not in KINDS or not _is_ours(error):
                raise
            raise RefusedValueError(*error.args).with_traceback(error.__traceback__) from error.__cause__

    call.is_entrance = True  # type: ignore[attr-defined]
    return call


def _is_ours(error: BaseException) -> bool:
    """Whether a line of Segue raised it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and str(trace.tb_frame.f_globals.get("__name__", "")).startswith("segue.")


def open_entrances(cls: type, room: str) -> None:
    """Make the methods by which user code enters a class of Segue, inherited ones included, entrances."""
    for name in (*ENTRANCES, *MORE.get(room, ())):
        method = getattr(cls, name, None)
        if inspect.isfunction(method) and not getattr(method, "is_entrance", False):
            setattr(cls, name, entrance(method if name in vars(cls) else _inherited(cls, name, method)))


def _inherited(cls: type, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    """What ``cls`` inherits when it is called: the base's method may be another one by then."""

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(super(cls, self), name)(*args, **kwargs)

    return call


@functools.cache
def _both(cls: type[SegueError]) -> type[SegueError]:
    kinds = tuple(kind for kind in KINDS if not issubclass(cls, kind))
    fields = {"__module__": __name__, "__doc__": cls.__doc__, "__str__": Exception.__str__}  # not KeyError's, of a repr
    return type(cls.__name__, (cls, *kinds), fields)


def __getattr__(name: str) -> Any:
    """The classes by name, as unpickling asks for them: errors come out of the loaders' processes."""
    for cls in _all_of(SegueError):
        if cls.__name__ == name and cls.__module__ != __name__:
            return _both(cls)  # type: ignore[arg-type]
    raise AttributeError(name)


def _all_of(cls: type[SegueError]) -> Iterator[type[SegueError]]:
    for sub in cls.__subclasses__():
        yield sub
        yield from _all_of(sub)
