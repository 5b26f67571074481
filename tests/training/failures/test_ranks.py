"""A process of several that is gone, or that has parameters without a gradient."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from segue.training.failures.ranks import RankWatch, connection_lost


class Gone:
    pid = 4242

    def __init__(self, status: int | None) -> None:
        self.status, self.killed = status, False

    def poll(self) -> int | None:
        return self.status

    def kill(self) -> None:
        self.killed = True


def trainer_with(*processes: Gone, world: int = 3) -> Any:
    launcher = SimpleNamespace(procs=list(processes))
    return SimpleNamespace(world_size=world, global_rank=0, local_rank=0, strategy=SimpleNamespace(launcher=launcher))


def test_rank_is_named() -> None:
    error = RuntimeError("[gloo/pair.cc] Connection closed by peer [127.0.0.1]:3")
    said = str(connection_lost(error, trainer_with(Gone(None), Gone(-9)), lambda _: None))
    assert said.startswith("the process of rank 2 (pid 4242) has ended, killed by SIGKILL, mostly the system's")
    assert "continue with --resume" in said
    said = str(connection_lost(error, trainer_with(Gone(3)), lambda _: None))
    assert "rank 1 (pid 4242) has ended with status 3; its own message says why" in said
    said = str(connection_lost(error, trainer_with(Gone(None)), lambda _: None))
    assert said.startswith("the process of rank 0 has lost the connection to another one")


def test_other_errors_are_left_alone() -> None:
    assert connection_lost(RuntimeError("shape mismatch"), trainer_with(Gone(-9))) is None
    assert connection_lost(RuntimeError("Connection closed by peer"), trainer_with(world=1)) is None


def test_watch_ends_a_process_that_hangs(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segue.training.failures.ranks.LOOK", 0.01)
    ended: list[int] = []
    other = Gone(None)
    RankWatch(ended.append, patience=0.02).watch(trainer_with(Gone(-11), other))
    assert ended == [1] and other.killed
    assert "segue train: the process of rank 1 (pid 4242) has ended, killed by SIGSEGV" in capfd.readouterr().err


def started(work: Path, what: str) -> tuple[str, int, float]:
    script = Path(__file__).parent / "dead_rank.py"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    begin = time.monotonic()
    command = [sys.executable, str(script), str(work), what]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200)
    return done.stderr, done.returncode, time.monotonic() - begin


@pytest.mark.slow  # two interpreters import Lightning
def test_killed_second_process_is_named(tmp_path: Path) -> None:
    said, status, _ = started(tmp_path, "1")
    assert status != 0 and "the process of rank 1 (pid" in said and "killed by SIGKILL" in said, said


@pytest.mark.slow  # two interpreters import Lightning
def test_killed_first_process_ends_the_other(tmp_path: Path) -> None:
    """The output of both is one pipe, so the call returns when both have ended."""
    said, status, _ = started(tmp_path, "0")
    assert status == -9 and "the process of rank 0" in said, said


@pytest.mark.slow  # two interpreters import Lightning
def test_unused_parameter_is_named(tmp_path: Path) -> None:
    said, status, _ = started(tmp_path, "unused")
    assert status != 0 and "1 parameters take no part in the loss (spare)" in said, said
    assert "find_unused_parameters = True" in said
