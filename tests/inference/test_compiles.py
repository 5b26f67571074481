"""`--compile` for every method: its network is one graph without a break. Oracle: what it computes as it is.

A small recipe of each stands for it, with few blocks in its backbone, as in tools/export_sweep.py. docs/predict.md says
that all compile but SAN, whose text encoder chooses by values of the text.
"""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from segue.config.builder.build import build_model
from segue.inference.segment import seen_by
from segue.inference.way import Way, going
from segue.recipes.catalogue import select
from segue.recipes.open import read_config

ROOT = Path(__file__).parents[2]
#: SAN, and one that needs another package
LEFT_OUT = {"san", "vpd"}
METHODS = sorted({entry.algorithm for entry in select("*", None)} - LEFT_OUT)


@pytest.fixture(scope="module")
def sweep() -> ModuleType:
    spec = importlib.util.spec_from_file_location("segue_tools_export_sweep", ROOT / "tools" / "export_sweep.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_a_method_compiles_as_one_graph(method: str, sweep: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    cfg = read_config(sweep.recipes()[method])
    if cfg["model"]["backbone"]["type"] == "TIMMBackbone":
        pytest.importorskip("timm", reason="the extra timm is not installed")
    sweep.shallow(cfg["model"])
    torch.manual_seed(0)
    model: Any = build_model(cfg).eval()
    inputs = torch.randn(1, 3, 128, 128)
    with torch.inference_mode():
        expected = seen_by(model, inputs)[0].whole()
        torch.compiler.reset()
        whole = functools.partial(torch.compile, fullgraph=True, backend="eager")
        monkeypatch.setattr(torch, "compile", whole)
        with going(Way(compiled=True)):
            found = seen_by(model, inputs)[0].whole()
    assert (found - expected).abs().max() <= 1e-5 * max(1.0, float(expected.abs().max()))
