"""Many files at once, a few in memory: decoding releases Python's lock, so threads are enough."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

T = TypeVar("T")
R = TypeVar("R")


def default_workers() -> int:
    """One per core that this process may use, sixteen at most."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, 16)


def in_parallel(work: Callable[[T], R], items: Iterable[T], workers: int) -> Iterator[R]:
    """``work`` of each item, in order; no more than four per worker are begun before they are asked for."""
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


def shown(items: Iterable[R], count: int, title: str, console: Console | None) -> Iterator[R]:
    """Pass items on under a progress bar with rate and remaining time; without a terminal or console, silently."""
    if console is None or not console.is_terminal:
        yield from items
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    begin = time.perf_counter()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(title, total=count, rate="")
        for done, item in enumerate(items, 1):
            progress.update(task, advance=1, rate=f"{done / max(time.perf_counter() - begin, 1e-6):.0f}/s")
            yield item
