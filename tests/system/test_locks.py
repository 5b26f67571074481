"""A lock between processes: one at a time, the others wait and say so."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from segue.system.locks import locked


def test_a_process_waits_for_the_lock_of_another(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Another process holds the lock until its input ends."""
    path = tmp_path / "a.lock"
    script = f"""
import sys
from pathlib import Path
from segue.system.locks import locked
with locked(Path({str(path)!r})):
    print("held", flush=True)
    sys.stdin.read()
    Path({str(tmp_path / "released")!r}).touch()
"""
    caplog.set_level(logging.INFO, logger="segue")
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout and other.stdout.readline() == b"held\n"
        assert other.stdin
        threading.Timer(0.2, other.stdin.close).start()
        with locked(path):
            assert (tmp_path / "released").exists()
    assert f"waiting for another process that uses {path}" in caplog.text


def test_a_free_lock_is_taken_at_once_and_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="segue")
    for _ in range(2):
        with locked(tmp_path / "a.lock"):
            pass
    with pytest.raises(ValueError, match="inside"), locked(tmp_path / "a.lock"):
        raise ValueError("inside")
    with locked(tmp_path / "a.lock"):
        pass
    assert "waiting" not in caplog.text
