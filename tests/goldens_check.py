"""Golden numbers as tests: ``tests/goldens/NAME.json.gz`` holds a model's config and what the reference computes with it."""

from __future__ import annotations

import gzip
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).parent


def goldens_tool() -> ModuleType:
    """``tools/goldens.py`` as a module."""
    name = "segue_tools_goldens"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, HERE.parent / "tools" / "goldens.py")
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


def check_golden(name: str) -> None:
    """Build the model of ``goldens/NAME.json.gz`` and hold its keys, outputs, losses and gradients to the recorded ones."""
    tool = goldens_tool()
    with gzip.open(HERE / "goldens" / f"{name}.json.gz", "rt", encoding="utf-8") as file:
        bundle = json.load(file)
    result, model = tool.compare(bundle["golden"], bundle["config"])
    assert tool.passes(result, model), {kind: f"{value:.1e}" for kind, value in result.items()}
