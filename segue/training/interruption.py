"""Ctrl-C during training; SIGTERM, with which clusters announce the end; SIGHUP, when a connection is cut."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import Any


class Interrupted(BaseException):
    """Training was stopped between two iterations on request; everything is saved."""


class StopRequest:
    """Ctrl-C as a wish that training grants after the current iteration; a second one stops at once.

    Use as a context manager.

    Attributes:
        requested: somebody wishes so.
        status: the exit status that tells which signal of the system it was: 128 and its number.
        ended: it was not a person but the system, by SIGTERM.
    """

    def __init__(self, announce: Callable[[str], None]) -> None:
        self.announce = announce
        self.requested = self.ended = False
        self.status = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            self._before[signal.SIGINT] = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def take_sigterm(self) -> None:
        """Handle SIGTERM too, once Lightning has set its handler, which may wait for ever with several processes."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._handle)  # Lightning restores the one before when training ends
            hangup = getattr(signal, "SIGHUP", None)  # not on Windows
            if hangup is not None and signal.getsignal(hangup) is not signal.SIG_IGN:  # as nohup has it
                self._before[hangup] = signal.signal(hangup, self._handle)

    def _handle(self, number: int, frame: Any) -> None:
        if number != signal.SIGINT:
            if number != signal.SIGTERM:
                leave_terminal()
            self.status = 128 + number
            if not self.requested:
                self.announce("Stopping after this iteration, as the system asks")
            self.requested = self.ended = True
            return
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        self.announce("Stopping after this iteration (Ctrl-C again: at once)")


def leave_terminal() -> None:
    """Write no more to a terminal that is gone: each line would be an error."""
    for stream in (1, 2):
        if os.isatty(stream):
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, stream)
            os.close(nothing)
