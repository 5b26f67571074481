"""Golden numbers as tests: ``goldens/NAME.json.gz`` holds a model's config and what the reference computes with it."""

from __future__ import annotations

import gzip
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import torch

from segue.config.builder.build import build

HERE = Path(__file__).parent


def goldens_tool() -> ModuleType:
    """``tools/goldens.py`` as a module."""
    name = "segue_tools_goldens"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, HERE.parent / "tools" / "goldens.py")
        assert spec and spec.loader
        sys.path.append(str(HERE.parent / "tools"))  # for the tool beside it
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


def check_golden(name: str) -> None:
    """Build the model of ``goldens/NAME.json.gz``; hold keys, outputs, losses and gradients to the recorded ones."""
    tool = goldens_tool()
    with gzip.open(HERE / "goldens" / f"{name}.json.gz", "rt", encoding="utf-8") as file:
        bundle = json.load(file)
    result, model = tool.compare(bundle["golden"], bundle["config"])
    assert tool.passes(result, model), {kind: f"{value:.1e}" for kind, value in result.items()}


def check_heads(*names: str) -> None:
    """Build the small heads NAMES of ``goldens/context_heads.json.gz`` and hold their outputs to the recorded ones.

    Weights and inputs are functions of names and sizes as in the models' goldens, so that choices which no published
    model makes are held to the reference as well, in milliseconds.
    """
    tool = goldens_tool()
    with gzip.open(HERE / "goldens" / "context_heads.json.gz", "rt", encoding="utf-8") as file:
        recorded = json.load(file)
    for name in names:
        entry = recorded[name]
        head = build({"head": entry["config"]}, "head", "heads").eval()
        tool.fill(head.state_dict())
        with torch.no_grad():
            outputs = head([tool.image(h, w, c, salt=str(i)) for i, (c, h, w) in enumerate(entry["inputs"])])
        outputs = [outputs] if isinstance(outputs, torch.Tensor) else list(outputs)
        worst = [tool.deviation(out, golden) for out, golden in zip(outputs, entry["outputs"], strict=True)]
        assert max(worst) < 1e-4, f"{name}: {worst}"


def check_part(name: str, file: str = "transformer_parts") -> None:
    """Build the small component NAME of ``goldens/FILE.json.gz``; hold its keys and outputs to the recorded ones.

    ``DPTHead`` takes pairs of map and class token, of which the latter are the maps' means.
    """
    tool = goldens_tool()
    with gzip.open(HERE / "goldens" / f"{file}.json.gz", "rt", encoding="utf-8") as stream:
        entry = json.load(stream)[name]
    part = build({"part": entry["config"]}, "part", entry["room"]).eval()
    assert sorted(part.state_dict()) == entry["keys"]
    tool.fill(part.state_dict())
    maps = [tool.image(h, w, c, salt=str(i)) for i, (c, h, w) in enumerate(entry["inputs"])]
    inputs = [(x, x.mean((2, 3))) for x in maps] if entry["config"]["type"] == "DPTHead" else maps
    with torch.no_grad():
        outputs = list(tool.flatten(part(maps[0] if entry["room"] == "backbones" else inputs)).values())
    worst = [tool.deviation(out, golden) for out, golden in zip(outputs, entry["outputs"], strict=True)]
    assert max(worst) < 1e-5, f"{name}: {worst}"
