"""mmengine.utils: timers."""

from __future__ import annotations

import time
from typing import Any


class TimerError(Exception):
    """A timer that does not run."""


class Timer:
    """Seconds since a start."""

    def __init__(self, start: bool = True, print_tmpl: str | None = None) -> None:
        self._is_running, self.print_tmpl = False, print_tmpl or "{:.3f}"
        if start:
            self.start()

    @property
    def is_running(self) -> bool:
        """Whether it runs."""
        return self._is_running

    def __enter__(self) -> Timer:
        self.start()
        return self

    def __exit__(self, *error: Any) -> None:
        print(self.print_tmpl.format(self.since_last_check()))
        self._is_running = False

    def start(self) -> None:
        """Start it, unless it runs."""
        if not self._is_running:
            self._is_running = True
            self._t_start = time.time()
        self._t_last = time.time()

    def since_start(self) -> float:
        """Seconds since the start."""
        if not self._is_running:
            raise TimerError("timer is not running")
        self._t_last = time.time()
        return self._t_last - self._t_start

    def since_last_check(self) -> float:
        """Seconds since the last look."""
        if not self._is_running:
            raise TimerError("timer is not running")
        before, self._t_last = self._t_last, time.time()
        return self._t_last - before


_TIMERS: dict[str, Timer] = {}


def check_time(timer_id: str) -> float:
    """Seconds since the last call of that name; 0 the first time."""
    if timer_id not in _TIMERS:
        _TIMERS[timer_id] = Timer()
        return 0
    return _TIMERS[timer_id].since_last_check()
