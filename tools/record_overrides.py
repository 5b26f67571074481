"""Write ``segue/reference/overrides.json``: the methods of mmseg's classes that mmseg, mmengine and mmcv call.

    python tools/record_overrides.py segue/reference/overrides.json

Run it where mmseg 1.2.2, mmengine and mmcv (or mmcv-lite) are installed. Only names are recorded.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import inspect
import json
import re
import sys
import types
from pathlib import Path
from typing import Any

PACKAGES = ("mmseg", "mmengine", "mmcv")
ROOMS = {
    "decode_heads": "heads", "segmentors": "models", "data_preprocessor": "preprocessors", "text_encoder": "models",
}  # fmt: skip
BASES = {
    "heads": ["mmseg.models.decode_heads.decode_head.BaseDecodeHead",
              "mmseg.models.decode_heads.cascade_decode_head.BaseCascadeDecodeHead"],
    "models": ["mmseg.models.segmentors.base.BaseSegmentor", "mmengine.model.BaseModel"],
    "layers": ["mmengine.model.BaseModule"],
    "preprocessors": ["mmengine.model.BaseDataPreprocessor"],
    "datasets": ["mmengine.dataset.BaseDataset"],
    "metrics": ["mmengine.evaluator.BaseMetric"],
    "hooks": ["mmengine.hooks.Hook"],
    "transforms": ["mmcv.transforms.BaseTransform"],
    "visualizers": ["mmengine.visualization.BaseVisBackend"],
    "samplers": ["mmseg.structures.OHEMPixelSampler", "mmseg.structures.BasePixelSampler"],
}  # fmt: skip
#: What mmdet's bases add, which are not installed with mmseg.
MMDET = "preprocess_gt get_targets _get_targets_single loss_by_feat _loss_by_feat_single forward"
BEYOND = {"MaskFormerHead": MMDET, "Mask2FormerHead": f"{MMDET} _forward_head"}


def stub_operators() -> None:
    """mmseg imports mmcv's compiled operators; their names are enough here."""
    module = types.ModuleType("mmcv._ext")
    module.__spec__ = importlib.machinery.ModuleSpec("mmcv._ext", None)
    module.__getattr__ = lambda name: None  # type: ignore[method-assign]
    sys.modules["mmcv._ext"] = module


def called_names() -> set[str]:
    """Every name after a dot in the sources."""
    folders = [Path(str(importlib.import_module(name).__file__)).parent for name in PACKAGES]
    text = "\n".join(file.read_text("utf-8", "ignore") for folder in folders for file in folder.rglob("*.py"))
    return set(re.findall(r"\.(\w+)\b", text))


def methods(cls: type, called: set[str]) -> str:
    """The names of a class's methods and properties that are called somewhere."""
    found = set(BEYOND.get(cls.__name__, "").split())
    for base in cls.__mro__:
        if base.__module__.partition(".")[0] not in PACKAGES:
            continue
        for name, value in vars(base).items():
            function = value.__func__ if isinstance(value, (staticmethod, classmethod)) else value
            if name.startswith("__") or name not in called or inspect.isclass(function):
                continue
            if callable(function) or isinstance(value, property):
                found.add(name)
    return " ".join(sorted(found))


def main(target: str) -> None:
    """Record everything that the registries hold, and the bases."""
    stub_operators()
    for name in ("mmseg.datasets", "mmseg.models", "mmseg.evaluation", "mmseg.engine", "mmseg.visualization"):
        importlib.import_module(name)
    registry: Any = importlib.import_module("mmseg.registry")
    called = called_names()
    found: dict[str, dict[str, str]] = {}
    for room, name in (("transforms", "TRANSFORMS"), ("datasets", "DATASETS"), ("metrics", "METRICS"),
                       ("visualizers", "VISUALIZERS"), ("", "MODELS")):  # fmt: skip
        here = getattr(registry, name)
        for cls in {**here.parent.module_dict, **here.module_dict}.values():
            if inspect.isclass(cls) and (room or cls.__module__.startswith("mmseg.models.")):
                part = room or cls.__module__.split(".")[2]
                found.setdefault(ROOMS.get(part, part), {})[cls.__name__] = methods(cls, called)
    for room, paths in BASES.items():
        for path in paths:
            module, _, name = path.rpartition(".")
            found.setdefault(room, {})[name] = methods(getattr(importlib.import_module(module), name), called)
    grouped: dict[str, dict[str, str]] = {}
    for room, classes in sorted(found.items()):
        kinds: dict[str, list[str]] = {}
        for name, names in sorted(classes.items()):
            kinds.setdefault(names, []).append(name)
        grouped[room] = {" ".join(names): text for text, names in kinds.items()}
    Path(target).write_text(json.dumps(grouped, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
