"""Progress bars: what is done, how much of how much, how fast, and how long it still takes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

R = TypeVar("R")


def bar(console: Console, *more: ProgressColumn) -> Progress:
    """A bar with a count and what else is wanted, the remaining time by default; nothing where nobody looks."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), *(more or (TimeRemainingColumn(),)))
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def download_bar(console: Console) -> Progress:
    """A bar of bytes, with their rate; it stays when it is full."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    return Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal)


def shown(items: Iterable[R], count: int, title: str, console: Console | None) -> Iterator[R]:
    """Pass items on under a bar with their rate; without a terminal or console, silently."""
    if console is None or not console.is_terminal:
        yield from items
        return
    begin = time.perf_counter()
    with bar(console, TextColumn("{task.fields[rate]}"), TimeRemainingColumn()) as progress:
        task = progress.add_task(title, total=count, rate="")
        for done, item in enumerate(items, 1):
            progress.update(task, advance=1, rate=f"{done / max(time.perf_counter() - begin, 1e-6):.0f}/s")
            yield item


def wide_bar(console: Console) -> Progress:
    """A bar as wide as the line, with a field ``facts``; drawn when told, since a thread makes forks unsafe."""
    columns = (TextColumn("[bold]{task.description}"), BarColumn(bar_width=None), MofNCompleteColumn())
    return Progress(*columns, TextColumn("{task.fields[facts]}"), console=console, auto_refresh=False, expand=True)
