"""The work folder: one run at a time, nothing overwritten or begun anew in silence, one sentence on a full disk."""

from __future__ import annotations

import errno
import io
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import small_run as small
import torch
from filelock import FileLock

from segue.errors import CheckpointError, InputError
from segue.training.folder import LOCK, NOTE, disk_full, newest_whole, occupied, overwritten
from segue.training.saving import read_state


@pytest.fixture
def gone() -> int:
    """The number of a process that has ended."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_the_second_run_stops_and_says_who_is_there(tmp_path: Path) -> None:
    with (
        occupied(tmp_path),
        pytest.raises(InputError, match=rf"another run writes there \(process {os.getpid()} on '.+', since '20..-"),
        occupied(tmp_path),
    ):
        pass
    assert not (tmp_path / NOTE).exists()
    with occupied(tmp_path), pytest.raises(InputError, match="choose another --work-dir"):
        small.run(small.config(), tmp_path)
    assert small.run(small.config(), tmp_path).iterations == 6


def test_a_killed_run_leaves_no_lock(tmp_path: Path, gone: int) -> None:
    about = {"pid": gone, "host": socket.gethostname(), "since": "2026-01-01T00:00:00"}
    (tmp_path / NOTE).write_text(json.dumps(about))
    (tmp_path / LOCK).touch()
    with occupied(tmp_path):
        assert json.loads((tmp_path / NOTE).read_text())["pid"] == os.getpid()


def test_workers_of_a_killed_run_are_waited_for(tmp_path: Path, gone: int) -> None:
    """They inherit its lock and need a moment to notice; a process of another machine is not judged."""
    about: dict[str, Any] = {"pid": gone, "host": socket.gethostname(), "since": "2026-01-01"}
    (tmp_path / NOTE).write_text(json.dumps(about))
    workers = FileLock(tmp_path / LOCK)
    workers.acquire()
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            workers.release()

    with occupied(tmp_path, wait):
        assert len(waits) == 3
    workers.acquire()
    (tmp_path / NOTE).write_text(json.dumps(about))
    with pytest.raises(InputError, match=f"process {gone}"), occupied(tmp_path, waits.append):
        pass
    assert len(waits) == 3 + 80
    (tmp_path / NOTE).write_text(json.dumps({**about, "host": "elsewhere"}))
    with pytest.raises(InputError, match=rf"process {gone} on 'elsewhere'"), occupied(tmp_path, waits.append):
        pass
    (tmp_path / NOTE).write_text("not JSON")
    with pytest.raises(InputError, match="another run writes there; stop it"), occupied(tmp_path, waits.append):
        pass
    assert len(waits) == 3 + 80


def test_a_new_run_says_what_it_overwrites(tmp_path: Path) -> None:
    text = io.StringIO()
    small.run(small.config(), tmp_path, text=text)
    assert "overwrites" not in text.getvalue()
    small.run(small.config(), tmp_path, text=text)
    assert "holds another run (last.ckpt, 2 numbered checkpoints, 1 files of best weights)" in text.getvalue()
    assert overwritten(tmp_path / "other") is None


def test_resuming_without_the_last_one(tmp_path: Path) -> None:
    """The newest whole checkpoint continues, and that is said; beginning anew is said as well."""
    text = io.StringIO()
    small.run(small.config(), tmp_path, text=text, resume=True)
    assert f"--resume: {tmp_path} holds no checkpoint; training starts from the beginning" in text.getvalue()
    (tmp_path / "last.ckpt").unlink()
    (tmp_path / "iter_6.ckpt").write_bytes((tmp_path / "iter_6.ckpt").read_bytes()[:5000])
    (tmp_path / "iter_99.ckpt").write_bytes(b"")
    assert newest_whole(tmp_path) == tmp_path / "iter_3.ckpt"
    before = small.lines(tmp_path)
    small.run(small.config(), tmp_path, text=text, resume=True)
    said = text.getvalue()
    assert f"{tmp_path / 'last.ckpt'} is not there; continuing {tmp_path / 'iter_3.ckpt'}" in said
    assert "after iteration 3" in said and small.lines(tmp_path) == before


def test_a_damaged_last_one_offers_the_one_before(tmp_path: Path) -> None:
    small.run(small.config(), tmp_path)
    whole = (tmp_path / "last.ckpt").read_bytes()
    (tmp_path / "last.ckpt").unlink()  # it is another name of iter_6.ckpt
    (tmp_path / "last.ckpt").write_bytes(whole[:5000])
    message = rf"damaged.*The one before it is whole: continue with --resume {tmp_path}/iter_6\.ckpt"
    with pytest.raises(CheckpointError, match=message):
        small.run(small.config(), tmp_path, resume=True)
    assert small.run(small.config(), tmp_path, resume=tmp_path / "iter_6.ckpt").iterations == 6


def test_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save, calls = torch.save, []

    def full(*args: Any, **kwargs: Any) -> None:
        calls.append(args)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        save(*args, **kwargs)

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(InputError, match=rf"^{tmp_path}: the disk is full\. The checkpoints written before are whole"):
        small.run(small.config(), tmp_path)
    assert read_state(tmp_path / "last.ckpt")["meta"]["iter"] == 3
    assert not list(tmp_path.glob("*.segue-part"))
    assert small.run(small.config(), tmp_path, resume=True).iterations == 6


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.EDQUOT, "quota"), True),
        (RuntimeError("PytorchStreamWriter failed: No space left on device"), True),
        (OSError(errno.EIO, "broken"), False),
        (ValueError("x"), False),
    ],
)
def test_full_disks_by_their_words(error: Exception, full: bool, tmp_path: Path) -> None:
    with pytest.raises(InputError if full else type(error)), disk_full(tmp_path):
        raise error
    with pytest.raises(InputError if full else RuntimeError), disk_full(tmp_path):
        raise RuntimeError("above") from error
