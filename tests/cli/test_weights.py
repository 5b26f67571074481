"""``segue weights``: what it prints and writes."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
import torch

from segue.checkpoints import read
from segue.cli import weights


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    weights.add_arguments(parser)
    return weights.run(parser.parse_args(words))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    meta = {"epoch": 3, "iter": 70, "CLASSES": ("road", "sky"), "config": "model = dict()"}
    torch.save({"meta": meta, "state_dict": {"backbone.conv.weight": torch.ones(1000, 2)}}, tmp_path / "w.pth")
    return tmp_path / "w.pth"


def test_inspect(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("inspect", str(file)) == 0
    shown = capsys.readouterr().out
    for fact in ("mmcv", "2,000", "2: road, sky", "backbone.conv.weight", "70"):
        assert fact in shown


def test_inspect_as_json(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("inspect", str(file), "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["parameters"] == 2000 and facts["epoch"] == 3 and facts["classes"] == ["road", "sky"]


def test_convert(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Weights and notes are those of the source."""
    out = tmp_path / "w.safetensors"
    assert run("convert", str(file), str(out)) == 0
    assert "1 tensors" in capsys.readouterr().out
    checkpoint = read(out)
    assert checkpoint.state_dict["backbone.conv.weight"].sum() == 2000
    assert checkpoint.classes == ("road", "sky") and checkpoint.config == "model = dict()"
