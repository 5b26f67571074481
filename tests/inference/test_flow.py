"""Reading ahead, batches of one key, the order of results, and what is held at most."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator

import pytest

from segue.inference.flow import LOOK_AHEAD, ahead, in_groups
from segue.system.cores import in_parallel


def test_order_and_groups() -> None:
    """Three keys at random: every group has one key and no more than the size, results keep the order."""
    draw = random.Random(0)
    items = [(number, draw.choice("abc")) for number in range(200)]
    groups: list[list[tuple[int, str]]] = []

    def work(group: list[tuple[int, str]]) -> list[int]:
        groups.append(list(group))
        return [number for number, _ in group]

    assert list(in_groups(items, 4, lambda item: item[1], work)) == list(range(200))
    assert all(len({key for _, key in group}) == 1 and len(group) <= 4 for group in groups)
    assert sum(len(group) == 4 for group in groups) > 40, "hardly any batch was filled"


def test_an_odd_one_does_not_wait_for_ever() -> None:
    """One item of its own key, then many of another: what is held stays bounded."""
    taken, given = 0, 0
    most = 0

    def source() -> Iterator[int]:
        nonlocal taken
        for number in range(100):
            taken += 1
            yield number

    for given, result in enumerate(in_groups(source(), 3, lambda n: n == 0, lambda group: list(group)), 1):
        assert result == given - 1
        most = max(most, taken - given)
    assert given == 100 and most <= LOOK_AHEAD * 3


def test_none_goes_by_itself() -> None:
    sizes: list[int] = []

    def work(group: list[int]) -> list[int]:
        sizes.append(len(group))
        return list(group)

    assert list(in_groups([1, 0, 1, 0], 2, lambda n: n or None, work)) == [1, 0, 1, 0]
    assert sorted(sizes) == [1, 1, 2]


def test_a_slow_writer_bounds_the_reader() -> None:
    """Nothing is read further ahead of what is written than the queues are long."""
    read, written, most = 0, 0, 0
    lock = threading.Lock()

    def source() -> Iterator[int]:
        nonlocal read
        for number in range(60):
            read += 1
            yield number

    def write(number: int) -> int:
        nonlocal written, most
        with lock:
            most = max(most, read - written)
        time.sleep(0.005)
        with lock:
            written += 1
        return number

    computed = in_groups(ahead(source(), 2), 1, lambda n: 0, lambda group: list(group))
    assert list(in_parallel(write, computed, 2)) == list(range(60))
    assert 1 < most <= 2 + 2 + 8 + 1, f"{most} items were under way"  # the queue, in hand, waiting to be written


def test_errors_come_in_their_place_and_the_thread_ends() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise ValueError("the second")

    items = ahead(source(), 4)
    assert next(items) == 1
    with pytest.raises(ValueError, match="the second"):
        next(items)
    closed = threading.Event()

    def endless() -> Iterator[int]:
        try:
            while True:
                yield 0
        finally:
            closed.set()

    items = ahead(endless(), 1)
    next(items)
    items.close()  # type: ignore[attr-defined]
    assert closed.wait(5), "the source goes on after the loop was left"
    assert not [t for t in threading.enumerate() if t.name == "segue-ahead" and t.is_alive()]
