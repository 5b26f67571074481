"""Small config trees on disk, for the tests of this folder."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent


def write(folder: Path, **files: str) -> Path:
    """Write ``a="..."`` as a.py and ``b_yaml="..."`` as b.yaml; returns the folder."""
    for name, text in files.items():
        stem, _, extension = name.rpartition("_") if name.endswith(("_yaml", "_json")) else (name, "", "py")
        (folder / f"{stem}.{extension}").write_text(dedent(text).lstrip("\n"), encoding="utf-8")
    return folder
