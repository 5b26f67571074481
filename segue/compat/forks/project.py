"""Which project's copy of mmseg is in use: that of the script or config which the user named, and no other."""

from __future__ import annotations

from pathlib import Path

from segue.compat.finder import install
from segue.compat.forks import overlay
from segue.reference.copies import project_of, read_copy


def use(path: str | Path | None, *, script: bool = False) -> overlay.Overlay | None:
    """Use the project that holds a file, which the user named; or none, where it has no copy of mmseg.

    Args:
        path: of a config or script; None for what lies in no file.
        script: a program: its project stays in use until a file of another is named.
    """
    root = None if path is None else project_of(path)
    before = overlay.current()
    if before is not None:
        if before.copy.root == root or (root is None and before.held):
            return before
        overlay.put(None)
        install()
    if root is None:
        return None
    made = overlay.Overlay(read_copy(root), script)
    overlay.put(made)
    install()
    made.begin()
    return made
