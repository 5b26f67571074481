"""``segue benchmark``: every number is there and adds up; no speed is asserted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import segue
from segue.cli import main

from .project import make_project


def test_a_config(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = make_project(tmp_path)
    command = ["benchmark", str(config), "--size", "40x56", "--batch-size", "2", "--runs", "3"]
    assert main([*command, "--json", str(tmp_path / "facts" / "b.json")]) == 0
    said = capsys.readouterr().out
    for words in ("2 of 40 x 56, 3 passes", "torch, fp32", "images/s", "MiB of the whole process", "decode_head"):
        assert words in said
    facts = json.loads((tmp_path / "facts" / "b.json").read_text())
    assert facts["size"] == [40, 56] and facts["published"] == {}
    assert 0 < facts["median_ms"] <= facts["p90_ms"]
    assert facts["images_per_s"] == pytest.approx(2e3 / facts["median_ms"])
    assert facts["parameters"] == sum(p.numel() for p in segue.load(config).model.parameters())
    tops = [part for part in facts["parts"] if "." not in part["name"]]
    assert sum(part["parameters"] for part in tops) == facts["parameters"]
    assert facts["flops"] == sum(part["flops"] for part in tops) > 0
    assert [part["name"] for part in tops][:2] == ["backbone", "decode_head"]


def test_a_recipe_stands_beside_its_published_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmark", "bisenetv2_fcn_4xb4-160k_cityscapes-1024x1024", "--size", "64x64", "--runs", "1"]) == 0
    said = capsys.readouterr().out
    assert "published mIoU" in said and "73.21" in said and "Bisenet v2" in said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--size", "512"], "--size '512': it is HEIGHTxWIDTH in pixels"),
        (["--runs", "0"], "runs=0: all must be 1 or more"),
        (["--engine", "tensorrt"], "trtexec --onnx=MODEL.onnx"),
    ],
)
def test_refused(options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmark", str(make_project(tmp_path)), *options]) == 1
    assert message in capsys.readouterr().err
