"""Ctrl-C during training, and SIGTERM, with which clusters announce the end."""

from __future__ import annotations

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
        ended: it was not a person but the system, by SIGTERM.
    """

    def __init__(self, announce: Callable[[str], None]) -> None:
        self.announce = announce
        self.requested = self.ended = False
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

    def _handle(self, number: int, frame: Any) -> None:
        if number == signal.SIGTERM:
            if not self.requested:
                self.announce("Stopping after this iteration, as the system asks")
            self.requested = self.ended = True
            return
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        self.announce("Stopping after this iteration (Ctrl-C again: at once)")
