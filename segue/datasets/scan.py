"""Finding files: folders walked once, and the errors of folders that hold nothing useful."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from segue.errors import DataError


def walk_files(folder: str | Path) -> list[str]:
    """Paths of all files below ``folder``, relative to it, sorted; hidden files are left out, links are followed.

    A folder that is missing or not a folder is a DataError.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"{folder}: {'not a folder' if folder.exists() else _missing(folder)}")
    found: list[str] = []
    visited: set[str] = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in visited:  # a link back to a folder above
            folders.clear()
            continue
        visited.add(real)
        folders[:] = [
            name for name in folders if not is_hidden(name) and not _leads_up(os.path.join(place, name), real)
        ]
        below = os.path.relpath(place, folder)
        start = "" if below == "." else below + os.sep
        found += [start + name for name in files if not is_hidden(name)]
    return sorted(found)


def _leads_up(path: str, real: str) -> bool:
    """Whether a link leads to a folder above the one that it is in, such as ``/``: all of it would be walked."""
    if not os.path.islink(path):
        return False
    target = os.path.realpath(path)
    return real == target or real.startswith(os.path.join(target, ""))


def is_hidden(name: str) -> bool:
    """Whether a file or folder is none of the user's: ``._x``, ``.DS_Store``, ``Thumbs.db``, ``__MACOSX``."""
    return name.startswith(".") or name in ("__MACOSX", "Thumbs.db", "desktop.ini", "$RECYCLE.BIN")


def files_with_suffix(folder: str | Path, suffix: str | Sequence[str], what: str) -> list[str]:
    """Files below ``folder`` whose names end with ``suffix``; none at all is a DataError that says what is there."""
    suffixes = (suffix,) if isinstance(suffix, str) else tuple(suffix)
    everything = walk_files(folder)
    if not everything:
        raise DataError(f"{folder}: the folder of {what} is empty")
    found = [name for name in everything if name.endswith(suffixes)]
    if not found:
        kinds = Counter(os.path.splitext(name)[1] or "no suffix" for name in everything).most_common(5)
        there = ", ".join(f"{kind} ({count} files, such as {_example(everything, kind)})" for kind, count in kinds)
        raise DataError(f"{folder}: no {what} ending with {' or '.join(suffixes)}; the folder has {there}")
    return found


def join_all(folder: str, names: Sequence[str], suffix: str = "") -> list[str]:
    """``os.path.join(folder, name + suffix)`` of each name, but in a tenth of the time where all are relative."""
    start = os.path.join(folder, "")
    if os.name != "posix" or any(name.startswith("/") for name in names):
        return [os.path.join(folder, name + suffix) for name in names]
    return [start + name + suffix for name in names]


def some_of(names: Sequence[str], limit: int = 3) -> str:
    """The first few names and how many more there are."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def read_split(path: str | Path) -> list[str]:
    """The lines of a split file, stripped, without empty ones; UTF-8 or UTF-16, slashes of any system."""
    path = Path(path)
    if not path.is_file():
        raise DataError(
            f"{path}: {'not a file' if path.exists() else _missing(path)} (a split lists one stem per line)"
        )
    data = path.read_bytes()
    marked = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        lines = [line.strip().replace("\\", "/") for line in data.decode(marked).splitlines()]
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 ({error}); save the list as UTF-8") from error
    lines = [line.removeprefix("./") for line in lines if line]
    if not lines:
        raise DataError(f"{path}: the split is empty")
    return lines


def _missing(path: Path) -> str:
    """What exists on the way to a missing path, which shows where it is misspelt."""
    parent = path.parent
    if parent.is_file():
        return f"does not exist; {parent} is a file, not a folder"
    while not parent.exists() and parent != parent.parent:
        parent = parent.parent
    try:
        there = sorted(child.name for child in parent.iterdir() if not child.name.startswith("."))
    except OSError:
        there = []
    return f"does not exist; {parent.resolve()} has {some_of(there, 8) or 'nothing in it'}"


def _example(names: Sequence[str], kind: str) -> str:
    return next(name for name in names if (os.path.splitext(name)[1] or "no suffix") == kind)
