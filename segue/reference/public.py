"""The public names of mmseg 1.2.2, mmengine 0.10.7 and mmcv 2.1.0, and where each is defined (``public.json``).

tools/record_names.py writes the file by asking the three packages.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any


@functools.cache
def _facts() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(__file__).with_name("public.json").read_text(encoding="utf-8"))
    return found


@functools.cache
def definers() -> dict[str, dict[str, str]]:
    """Every module: its names, and the module that defines each, "" where that is not known."""
    return {
        module: {name: where for where, names in entry["names"].items() for name in names.split()}
        for module, entry in _facts()["modules"].items()
    }


@functools.cache
def classes() -> dict[str, str]:
    """Every component class of the three packages, and the module that defines it."""
    return dict(_facts()["classes"])


def public_names(*, public: bool) -> dict[str, list[str]]:
    """The modules that show names in ``__all__`` for others (``public``), or all modules, with their names."""
    modules = _facts()["modules"]
    return {module: list(names) for module, names in definers().items() if modules[module]["public"] or not public}
