"""Where an export goes: whether it can be written is said before the work, and it is there as a whole or not at all."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from segue.errors import InputError
from segue.system.locks import locked
from segue.system.replaced import replaced


@contextmanager
def checked(out: Path) -> Iterator[Path]:
    """An empty folder to make an export of ``out`` in; what the disk refuses, there or here, names ``out``.

    Raises:
        InputError: ``out`` is a folder, its folder cannot be written to, or a disk is full.
    """
    if out.is_dir():
        raise InputError(f"--out {out}: is a folder; name the file in it")
    with said(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out.parent):
            pass
    with said(out), tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@contextmanager
def said(out: Path) -> Iterator[None]:
    """An error of the system as one that says which file could not be written."""
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename and Path(str(error.filename)) != out else ""
        raise InputError(f"{out}: cannot be written: {error.strerror or error}{where}") from error


def moved(made: Path, file: Path) -> None:
    """Move an export and its .bin to their place, whose older files stay where that fails; one export at a time."""
    with said(file), locked(Path(tempfile.gettempdir()) / f"segue-{_key(file)}.lock"):
        parts = [(made.with_suffix(".bin"), file.with_suffix(".bin")), (made, file)]
        parts = [(part, place) for part, place in parts if part.is_file()]
        _all_moved(parts)


def _all_moved(parts: list[tuple[Path, Path]]) -> None:
    """Copy each beside its place, and put them there when all were copied."""
    if not parts:
        return
    part, place = parts[0]
    with replaced(place) as written:
        shutil.copyfile(part, written)
        _all_moved(parts[1:])


def _key(file: Path) -> str:
    return hashlib.sha256(str(file.absolute()).encode()).hexdigest()[:16]
