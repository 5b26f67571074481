"""How long a download may take, and how slow it may be: a server that sends a byte now and then must not hold a run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from segue.errors import DownloadError, InputError

TOTAL, RATE = "SEGUE_DOWNLOAD_SECONDS", "SEGUE_DOWNLOAD_RATE"
DEFAULTS = {TOTAL: 6 * 3600, RATE: 2000}  # seconds in all; bytes per second, on average over WINDOW
WINDOW = 30.0


def setting(name: str) -> int:
    """A limit from the environment, or its default; 0 is none.

    Raises:
        InputError: the variable is no whole number.
    """
    given = os.environ.get(name)
    if given and not given.isdigit():
        raise InputError(f"{name}={given!r}: a whole number from 0 on is expected; 0 sets no limit")
    return int(given) if given else DEFAULTS[name]


class Pace:
    """Watches one download, over all its continuations."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._total, self._rate = setting(TOTAL), setting(RATE)
        self._began = self._window = clock()
        self._bytes = 0

    def check(self, count: int) -> None:
        """Count bytes that have come.

        Raises:
            DownloadError: too slow, or too long.
        """
        now = self._clock()
        self._bytes += count
        if self._total and now - self._began > self._total:
            raise DownloadError(f"the transfer took longer than {self._total} seconds ({TOTAL} allows more)")
        if now - self._window < WINDOW:
            return
        rate = self._bytes / (now - self._window)
        if rate < self._rate:
            raise DownloadError(
                f"the server sends {rate:.0f} bytes per second, less than the {self._rate} that are waited for "
                f"({RATE} allows less)"
            )
        self._window, self._bytes = now, 0
