"""Where Segue keeps what it made or fetched once, from one run to the next."""

from __future__ import annotations

import os
from pathlib import Path


def cache(name: str) -> Path:
    """The folder ``name`` below ``SEGUE_HOME``, by default ``~/.cache/segue``; it may not be there yet."""
    return Path(os.environ.get("SEGUE_HOME") or Path.home() / ".cache" / "segue").expanduser() / name
