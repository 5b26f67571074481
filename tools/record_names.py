"""Write segue/reference/public.json: the public names of mmseg, mmengine and mmcv, and where each is defined.

    python tools/record_names.py public_names.json.gz segue/reference/public.json

Run it under a Python that has mmseg 1.2.2, mmengine 0.10.7 and mmcv(-lite) 2.1.0. The first file is
``{"names": {module: {"pub": bool, "names": [...]}}, "classes": {component: {"mod": module}}}``.
"""

from __future__ import annotations

import gzip
import importlib
import importlib.machinery
import json
import sys
import types
from pathlib import Path
from typing import Any


class Compiled(types.ModuleType):
    """Stands for mmcv's compiled operators, which nothing here calls."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args, **kwargs: None


def definer(module: str, name: str) -> str:
    """The module that defines a name; "" for a value that does not say, and where the module cannot be imported."""
    try:
        found = getattr(importlib.import_module(module), name)
    except Exception:  # a reference's module may fail in any way, such as for a package that is not installed
        return ""
    where = getattr(found, "__module__", None) if callable(found) else None
    return where if isinstance(where, str) and where.partition(".")[0] in ("mmseg", "mmengine", "mmcv") else ""


def main() -> None:
    """Read the facts, ask the reference, write the table."""
    facts, out = sys.argv[1:]
    stub = Compiled("mmcv._ext")
    stub.__spec__ = importlib.machinery.ModuleSpec("mmcv._ext", None)
    sys.modules["mmcv._ext"] = stub
    given = json.loads(gzip.decompress(Path(facts).read_bytes()))
    table: dict[str, dict[str, Any]] = {}
    for module, entry in given["names"].items():
        names: dict[str, list[str]] = {}
        for name in entry["names"]:
            names.setdefault(definer(module, name), []).append(name)
        table[module] = {"public": entry["pub"], "names": {k: " ".join(v) for k, v in sorted(names.items())}}
    classes = {name: entry["mod"] for name, entry in sorted(given["classes"].items())}
    text = json.dumps({"modules": dict(sorted(table.items())), "classes": classes}, indent=1)
    Path(out).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
