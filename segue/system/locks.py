"""Locks between processes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

_log = logging.getLogger("segue")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file ``path``; whoever else wants it waits, and says so once."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        _log.info("waiting for another process that uses %s", path)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
