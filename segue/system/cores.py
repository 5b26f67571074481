"""The processor cores that this process may use, and work spread over them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

#: Linux: microseconds of all cores in each period; version 2 of control groups, then version 1.
_QUOTAS = (("/sys/fs/cgroup/cpu.max",), ("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us"))


def usable_cores() -> int:
    """Cores that this process may use: of those of the machine as many as its affinity mask and container allow."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for files in _QUOTAS:
        try:
            quota, period = map(int, " ".join(Path(file).read_text(encoding="utf-8") for file in files).split())
        except (OSError, ValueError):
            continue  # no such group, or "max"
        if quota > 0 and period > 0:
            cores = min(cores, max(1, -(-quota // period)))
    return cores


def usable_threads() -> int:
    """Threads for computing: one per usable core, or as many as OMP_NUM_THREADS allows."""
    allowed = os.environ.get("OMP_NUM_THREADS", "")
    return min(usable_cores(), int(allowed)) if allowed.isdigit() and int(allowed) else usable_cores()


def default_workers() -> int:
    """Files to work on at once: one per usable core, sixteen at most."""
    return min(usable_cores(), 16)


def in_parallel(work: Callable[[T], R], items: Iterable[T], workers: int) -> Generator[R, None, None]:
    """``work`` of each item, in order, a few in memory; decoding releases Python's lock, so threads are enough.

    No more than four items per worker are begun before they are asked for.
    """
    if workers <= 1:
        yield from map(work, items)
        return
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) >= 4 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
