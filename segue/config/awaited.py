"""Names that a project registers once a file of it is run: it is run when a config, or a script, asks for the name."""

from __future__ import annotations

from collections.abc import Callable

from segue.config.trust import UnknownNameError

#: {name: what registers it}
awaited: dict[str, Callable[[], object]] = {}


class AwaitedError(UnknownNameError):
    """The file that registers a name cannot be run."""


def settle(name: str) -> None:
    """Have a name registered, where it is awaited.

    Raises:
        AwaitedError: its file cannot be run.
    """
    act = awaited.pop(name, None)
    if act is None:
        return
    try:
        act()
    except AwaitedError:
        awaited[name] = act  # the next config that asks is told the same
        raise
