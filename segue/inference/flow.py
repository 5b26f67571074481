"""Work that overlaps: a thread reads ahead, batches are put together, results come out in the order of what went in.

Every queue is bounded, so that a fast reader waits for a slow writer and memory does not grow.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator, Sequence
from threading import Event, Thread
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

#: batches that may wait for the images that fill them
LOOK_AHEAD = 4


def ahead(items: Iterable[T], depth: int) -> Generator[T, None, None]:
    """The items, taken in a thread of its own, ``depth`` of them at most before they are asked for.

    An error of the items comes where its item would have come. Leaving the loop, also by Ctrl-C, stops the thread.
    """
    ready: queue.Queue[tuple[bool, Any]] = queue.Queue(depth)
    stop = Event()

    def put(one: tuple[bool, Any]) -> bool:
        while not stop.is_set():
            try:
                ready.put(one, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def fill() -> None:
        source = iter(items)
        try:
            for item in source:
                if not put((True, item)):
                    break
            else:
                put((False, None))
        except BaseException as error:  # handed to whoever waits for the item
            put((False, error))
        finally:
            if hasattr(source, "close"):
                source.close()

    thread = Thread(target=fill, name="segue-ahead", daemon=True)
    thread.start()
    try:
        while True:
            more, item = ready.get()
            if more:
                yield item
            elif item is None:
                return
            else:
                raise item
    finally:
        stop.set()
        thread.join(timeout=10)


def in_groups(
    items: Iterable[T],
    size: int,
    key: Callable[[T], Hashable],
    work: Callable[[Sequence[T]], Sequence[R]],
) -> Iterator[R]:
    """The results of ``work``, which gets up to ``size`` items of one key at once, in the order of the items.

    An item whose key is None goes by itself. No more than ``LOOK_AHEAD * size`` items are held: when the first one has
    waited so long, its group is worked on as it is.
    """
    groups: dict[Hashable, list[tuple[int, T]]] = {}
    ready: dict[int, R] = {}
    following = 0

    def run(name: Hashable) -> None:
        group = groups.pop(name)
        for (place, _), result in zip(group, work([item for _, item in group]), strict=True):
            ready[place] = result

    for place, item in enumerate(items):
        name = key(item)
        if name is None:
            [ready[place]] = work([item])
        else:
            groups.setdefault(name, []).append((place, item))
            if len(groups[name]) == size:
                run(name)
        while place + 1 - following >= LOOK_AHEAD * size and following not in ready:
            run(next(name for name, group in groups.items() if group[0][0] == following))
        while following in ready:
            yield ready.pop(following)
            following += 1
    for name in sorted(groups, key=lambda name: groups[name][0][0]):
        run(name)
        while following in ready:
            yield ready.pop(following)
            following += 1
