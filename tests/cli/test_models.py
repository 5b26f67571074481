"""``segue models``: lists, one recipe, errors. Oracle of the numbers: mmseg 1.2.2's metafiles; torch's own counter."""

from __future__ import annotations

import json

import pytest

from segue.cli import main


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "ocrnet_hr18s*", "--data", "ade20k"]) == 0
    text = capsys.readouterr().out
    assert "ocrnet_hr18s_4xb4-160k_ade20k-512x512" in text and text.endswith("2 recipes\n")
    assert "512x512" in text and "160k, 4 x 4" in text and "36.33" not in text.splitlines()[0]
    assert main(["models", "ocrnet_hr18s_4xb4-160k*"]) == 0
    assert capsys.readouterr().out.endswith("\n1 recipe\n")


def test_list_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "pspnet*", "--data", "night", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {one["test_data"] for one in found} == {"night-driving"} and found[0]["crop"] == [512, 1024]


def test_one(capsys: pytest.CaptureFixture[str]) -> None:
    """12.8 million parameters: 11.2 in the ResNet-18, 1.5 in the decode head, 0.1 in the other."""
    assert main(["models", "fcn_r18-d8_4xb2-80k_cityscapes-512x1024"]) == 0
    text = capsys.readouterr().out
    for line in ("algorithm      fcn", "schedule       80k, 4 x 2", "parameters     12.8", "metrics        mIoU 71.11"):
        assert line in text
    assert "G for one image of 512x1024" in text


def test_one_that_nobody_published(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "fcn_r18-d8_1xb2-5k_potsdam-64x64", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["weights"] is None and found["parameters"] > 10_000_000 and found["flops"] > 0


def test_errors(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "zzz*"]) == 1
    assert "no recipe's name matches 'zzz*'" in capsys.readouterr().err
    assert main(["models", "psnet_r50-d8_4xb2-40k_cityscapes"]) == 1
    assert "unknown algorithm 'psnet'; did you mean 'pspnet'" in capsys.readouterr().err
