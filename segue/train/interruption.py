"""Ctrl-C during training."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any


class Interrupted(BaseException):
    """Training was stopped between two iterations on request; everything is saved."""


class StopRequest:
    """Ctrl-C as a wish that training grants after the current iteration.

    SIGTERM, with which clusters announce the end, is handled by Lightning in the same way. A second Ctrl-C stops at
    once. Use as a context manager.
    """

    def __init__(self, announce: Callable[[str], None]) -> None:
        self.announce = announce
        self.requested = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            self._before[signal.SIGINT] = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: Any) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        self.announce("Stopping after this iteration (Ctrl-C again: at once)")
