"""Write files into ``tests/compat/data/reference``: what mmseg 1.2.2 gives for the cases of `tests.compat.reference`.

    python tools/record_reference.py transforms losses ...     # or no kind: all
    python tools/record_reference.py heads:CCHead,DPTHead      # these classes; the others stay as they were recorded

Run it where mmseg 1.2.2, mmdet 3.3.0, mmengine and mmcv (or mmcv-lite) are installed, and Segue is not needed.
"""

from __future__ import annotations

import gzip
import importlib
import importlib.machinery
import inspect
import json
import sys
import types
import warnings
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "tests" / "compat" / "data" / "reference"
sys.path.insert(0, str(ROOT))
#: kind -> registries, and the part of mmseg that the module of a class must begin with; small calls are of no class
KINDS = {
    "transforms": (("mmcv.TRANSFORMS", "mmseg.TRANSFORMS"), ""),
    "losses": (("mmseg.MODELS",), "mmseg.models.losses"),
    "heads": (("mmseg.MODELS",), "mmseg.models.decode_heads"),
    "backbones": (("mmseg.MODELS",), "mmseg.models.backbones"),
    "necks": (("mmseg.MODELS",), "mmseg.models.necks"),
    "segmentors": (("mmseg.MODELS",), "mmseg.models.segmentors"),
    "metrics": (("mmseg.METRICS",), "mmseg"),
    "datasets": (("mmseg.DATASETS", "mmengine.DATASETS"), ""),
    "calls_data": ((), ""),
    "calls_models": ((), ""),
    "calls_engine": ((), ""),
    "samplers": (("mmseg.TASK_UTILS", "mmengine.DATA_SAMPLERS"), ("mmseg.structures.sampler", "mmengine.dataset")),
}
#: package of a registry -> the module that has it
PLACES = {"mmcv": "mmcv.transforms", "mmseg": "mmseg.registry", "mmengine": "mmengine.registry"}


def operator(name: str) -> None:
    """Of every name one, but not of those that Python itself asks modules for."""
    if name.startswith("__"):
        raise AttributeError(name)


def stub_operators() -> None:
    """mmseg imports mmcv's compiled operators; their names are enough here."""
    module = types.ModuleType("mmcv._ext")
    module.__spec__ = importlib.machinery.ModuleSpec("mmcv._ext", None)
    module.__getattr__ = operator  # type: ignore[method-assign]
    sys.modules["mmcv._ext"] = module
    if not hasattr(np, "in1d"):  # numpy 2.4 has none; cityscapesscripts 2.3 asks for it
        np.in1d = np.isin


def classes(kind: str) -> dict[str, str]:
    """The classes of a kind, and the modules that define them."""
    found: dict[str, str] = {}
    registries, begins = KINDS[kind]
    for place in registries:
        package, _, name = place.partition(".")
        registry: Any = importlib.import_module(PLACES[package])
        for key, cls in getattr(registry, name).module_dict.items():
            if inspect.isclass(cls) and cls.__module__.startswith(begins):
                found[key] = cls.__module__
    return found


def short(value: Any) -> Any:
    """Floats with seven digits; of an error its own type."""
    if isinstance(value, float):
        return float(f"{value:.7g}")
    if isinstance(value, list):
        return [short(item) for item in value]
    if isinstance(value, dict):
        return {key: item[:1] if key == "raises" else short(item) for key, item in value.items()}
    return value


def main(kinds: list[str]) -> None:
    """Record."""
    warnings.simplefilter("ignore")
    stub_operators()
    for name in ("mmseg.datasets", "mmseg.models", "mmseg.evaluation"):
        importlib.import_module(name)
    importlib.import_module("mmengine").init_default_scope("mmseg")
    for asked in kinds or KINDS:
        kind, _, only = asked.partition(":")
        cases: Any = importlib.import_module(f"tests.compat.reference.{kind}")
        file = FOLDER / f"{kind}.json.gz"
        found = json.loads(gzip.decompress(file.read_bytes())) if only else {}
        for name, module in sorted((classes(kind) or dict.fromkeys(cases.CASES, "")).items()):
            if only and name not in only.split(","):
                continue
            if name not in cases.CASES:
                if name not in getattr(cases, "LEFT", {}):
                    sys.exit(f"{kind}: {name} has neither cases nor a reason in LEFT")
                continue
            found[name] = {"module": module, "facts": short(cases.observe(name, module))}
        text = json.dumps(dict(sorted(found.items())), separators=(",", ":"), allow_nan=False)
        FOLDER.mkdir(exist_ok=True)
        packed = gzip.compress(text.encode(), mtime=0)  # the same bytes for the same facts
        file.write_bytes(packed)
        print(kind, len(found), "classes", len(packed), "bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
