"""What a path that is not there was probably meant to be: the end of a message."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from segue.errors import alike

MOST = 5000  # names of a folder that are compared


def near_path(path: str | Path, suffixes: Sequence[str] = ()) -> str:
    """``; did you mean 'X'?`` for a file or folder of nearly that name, or of that stem and another suffix; or nothing.

    Args:
        path: what is not there.
        suffixes: only files that end so are proposed, and folders; none: all.
    """
    found = nearest_path(path, suffixes)
    if found is None:
        return ""
    inside = os.path.relpath(found)
    shown = str(found) if inside.startswith(os.pardir) else inside
    return f"; did you mean {shown!r}?"


def leads_nowhere(path: Path) -> str:
    """What to say of a link whose target is not there, or is the link itself; of other paths nothing."""
    return f"is a link to {os.readlink(path)}, which leads nowhere" if path.is_symlink() and not path.exists() else ""


def nearest_path(path: str | Path, suffixes: Sequence[str] = ()) -> Path | None:
    """The path itself."""
    given = Path(path).expanduser()
    folder, rest = given, list[str]()
    while not folder.is_dir():
        rest.insert(0, folder.name)
        if folder == folder.parent:
            return None
        folder = folder.parent
    if not rest:
        return None
    try:
        there = sorted(entry.name for entry in os.scandir(folder) if not entry.name.startswith("."))[:MOST]
    except OSError:
        return None
    last = len(rest) == 1
    if last and suffixes:
        there = [name for name in there if name.endswith(tuple(suffixes)) or (folder / name).is_dir()]
    same = [name for name in there if last and os.path.splitext(name)[0] in (rest[0], os.path.splitext(rest[0])[0])]
    for name in [*same, *alike(rest[0], there, 3, 0.7)]:
        whole = folder / name / Path(*rest[1:])
        if whole.exists():
            return whole
        if not last and (deeper := nearest_path(whole, suffixes)):
            return deeper
    return None
