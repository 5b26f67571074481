"""Cores that may be used: of the machine's as many as affinity mask, container and OMP_NUM_THREADS leave."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from segue.system import cores
from segue.system.cores import default_workers, in_parallel, usable_cores, usable_threads


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of 64 cores, of which the affinity mask leaves 24; files of its control groups below a folder."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(24)), raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(
        cores, "_QUOTAS", ((str(tmp_path / "max"),), (str(tmp_path / "quota"), str(tmp_path / "period")))
    )
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    return tmp_path


def test_the_affinity_mask(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (usable_cores(), usable_threads(), default_workers()) == (24, 24, 16)
    monkeypatch.delattr(os, "sched_getaffinity")
    assert usable_cores() == 64


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"max": "200000 100000\n"}, 2),
        ({"max": "150000 100000\n"}, 2),
        ({"max": "10000 100000\n"}, 1),
        ({"max": "max 100000\n"}, 24),
        ({"max": "9900000 100000\n"}, 24),
        ({"quota": "400000\n", "period": "100000\n"}, 4),
        ({"quota": "-1\n", "period": "100000\n"}, 24),
        ({"quota": "400000\n"}, 24),
    ],
)
def test_the_quota_of_a_container(machine: Path, files: dict[str, str], expected: int) -> None:
    for name, text in files.items():
        (machine / name).write_text(text)
    assert usable_cores() == expected


@pytest.mark.parametrize(("value", "expected"), [("3", 3), ("99", 24), ("0", 24), ("", 24), ("many", 24)])
def test_threads_that_openmp_may_use(machine: Path, monkeypatch: pytest.MonkeyPatch, value: str, expected: int) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert usable_threads() == expected
    assert usable_cores() == 24


def test_few_items_are_begun_before_they_are_asked_for() -> None:
    begun: list[int] = []
    results = in_parallel(lambda i: begun.append(i) or i, range(1000), 2)
    assert next(results) == 0
    assert len(begun) <= 8
    assert list(results) == list(range(1, 1000))
