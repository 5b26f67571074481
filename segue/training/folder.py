"""The work folder of a run: one run at a time, what is there already, and which checkpoint continues.

A lock of the operating system says that somebody writes there. It ends with the process that holds it, however that
ends, so there is no stale lock; a note beside it says who it is.
"""

from __future__ import annotations

import errno
import json
import os
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from segue.errors import CheckpointError, InputError
from segue.system.near import near_path
from segue.training.handover import Handover, read_run

LOCK, NOTE = ".segue-run.lock", ".segue-run.json"
PATIENCE = 20.0  # seconds that workers of a killed process, which hold its lock, take to notice
_NUMBERED = re.compile(r"(?:iter|epoch)_(\d+)\.ckpt")


def work_folder(cfg: Mapping[str, Any], given: str | Path | None) -> Path:
    """The argument, else the config's ``work_dir``, else ``work_dirs/<config name>``."""
    if given is None:
        given = cfg.get("work_dir")
    if given is not None:
        return Path(given)
    name = getattr(cfg, "filename", None)
    return Path("work_dirs") / (Path(name).stem if name else "run")


@contextmanager
def occupied(folder: Path, wait: Callable[[float], None] = time.sleep) -> Iterator[None]:
    """Be the only run in a folder.

    Raises:
        InputError: another run writes there; the message says which.
    """
    lock = FileLock(folder / LOCK)
    patience = PATIENCE
    while True:
        try:
            lock.acquire(timeout=0)
            break
        except Timeout:
            other = _note(folder)
            if not _is_dead(other) or patience <= 0:
                raise InputError(
                    f"{folder}: another run writes there{_who(other)}; stop it, or choose another --work-dir"
                ) from None
        except NotImplementedError:  # a file system without locks
            yield
            return
        patience -= 0.25
        wait(0.25)
    note = folder / NOTE
    about = {"pid": os.getpid(), "host": socket.gethostname(), "since": datetime.now().isoformat(timespec="seconds")}
    try:
        note.write_text(json.dumps(about), encoding="utf-8")
        yield
    finally:
        with suppress(OSError):
            note.unlink(missing_ok=True)
        lock.release()


def _note(folder: Path) -> Mapping[str, Any]:
    try:
        found = json.loads((folder / NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, Mapping) else {}


def _who(about: Mapping[str, Any]) -> str:
    if not isinstance(about.get("pid"), int):
        return ""
    return f" (process {about['pid']} on {str(about.get('host'))[:80]!r}, since {str(about.get('since'))[:40]!r})"


def _is_dead(about: Mapping[str, Any]) -> bool:
    """Whether the process of a note was of this machine and is gone."""
    pid = about.get("pid")
    if about.get("host") != socket.gethostname() or not isinstance(pid, int) or pid < 1:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def overwritten(folder: Path) -> str | None:
    """What a new run in a folder replaces of an older one, in a line; None where there is nothing."""
    numbered = [path for path in folder.glob("*.ckpt") if _NUMBERED.fullmatch(path.name)]
    found = ["last.ckpt"] if (folder / "last.ckpt").exists() else []
    found += [f"{len(numbered)} numbered checkpoints"] if numbered else []
    best = len([*folder.glob("best_*.safetensors")])
    found += [f"{best} files of best weights"] if best else []
    if not found:
        return None
    return (
        f"{folder} holds another run ({', '.join(found)}), which this new one overwrites; to keep it, stop and choose "
        "--work-dir, or continue it with --resume"
    )


def resume_source(folder: Path, resume: bool | str | Path, say: Callable[[str], None]) -> Path | None:
    """The file to continue from.

    With ``resume=True`` that is the folder's last checkpoint; where ``last.ckpt`` is missing, the newest whole one,
    which is said; and where there is none, training starts from the beginning, which is said as well.
    """
    if resume is False:
        return None
    if resume is True:
        found = last_of(folder)
        if found is None:
            say(f"--resume: {folder} holds no checkpoint; training starts from the beginning")
        elif found.name != "last.ckpt":
            say(f"--resume: {folder / 'last.ckpt'} is not there; continuing {found}")
        return found
    path = Path(resume)
    found = last_of(path) if path.is_dir() else path
    if found is None or not found.exists():
        hint = "give --resume a .ckpt file (or mmengine's .pth), or no value for the work folder's last one"
        raise InputError(f"{found or path / 'last.ckpt'} does not exist: {hint}{near_path(path)}")
    return found


def last_of(folder: Path) -> Path | None:
    """The last checkpoint of a work folder: Segue's, else the one that mmengine or mmcv noted as the last."""
    own, noted, linked = (folder / name for name in ("last.ckpt", "last_checkpoint", "latest.pth"))
    if own.exists():
        return own
    whole = newest_whole(folder)
    if whole is not None:
        return whole
    if noted.is_file():
        given = Path(noted.read_text(encoding="utf-8", errors="replace").strip())
        return next((path for path in (given, folder / given.name) if path.is_file()), None)
    return linked if linked.exists() else None


def newest_whole(folder: Path, but: Path | None = None) -> Path | None:
    """The numbered checkpoint of the most iterations that can be resumed from; damaged ones are passed over."""
    found = [(int(match[1]), path) for path in folder.glob("*.ckpt") if (match := _NUMBERED.fullmatch(path.name))]
    for _, path in sorted(found, reverse=True):
        if but is not None and path.exists() and but.exists() and path.samefile(but):
            continue
        try:
            read_run(path)
        except CheckpointError:
            continue
        return path
    return None


def read_source(source: Path) -> dict[str, Any] | Handover:
    """What to continue from.

    Raises:
        CheckpointError: it cannot be resumed from; of a folder's damaged last one, the one before is offered.
    """
    try:
        return read_run(source)
    except CheckpointError as error:
        before = newest_whole(source.parent, but=source) if source.name == "last.ckpt" else None
        if before is None:
            raise
        raise CheckpointError(f"{error} The one before it is whole: continue with --resume {before}") from error


@contextmanager
def disk_full(folder: Path) -> Iterator[None]:
    """One sentence where the disk is full, whoever found out.

    Raises:
        InputError: it is.
    """
    try:
        yield
    except Exception as error:
        if not _is_full(error):
            raise
        raise InputError(
            f"{folder}: the disk is full. The checkpoints written before are whole: make room, then continue with "
            "--resume"
        ) from error


def _is_full(error: BaseException | None) -> bool:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if "No space left on device" in str(error) or "Disk quota exceeded" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False
