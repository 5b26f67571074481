"""``segue weights``: what it prints and writes."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
import torch

from segue.checkpoints import read
from segue.cli import weights
from segue.errors import InputError
from tests.checkpoints.foreign.official import OFFICIAL, values


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


def official(tmp_path: Path) -> Path:
    """MiT weights as SegFormer's authors publish them."""
    torch.save({"state_dict": values(OFFICIAL["mit"]())}, tmp_path / "mit_b0.pth")
    return tmp_path / "mit_b0.pth"


def test_inspect_names_the_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("inspect", str(official(tmp_path)), "--json") == 0
    assert json.loads(capsys.readouterr().out)["names_of"] == "mit (MiT weights of SegFormer's authors)"


def test_convert_and_verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was kept, renamed and dropped is said, and noted in the file for ``--against``."""
    source, out = official(tmp_path), tmp_path / "mit.safetensors"
    assert run("convert", str(source), str(out)) == 0
    shown = capsys.readouterr().out
    assert "Converted from MiT weights of SegFormer's authors: 0 kept, 100 renamed, 2 dropped." in shown
    assert "  dropped: head.weight\n" in shown and shown.endswith("92 tensors, without a config and no class names\n")
    assert read(out).meta["converted_from"] == "mit" and read(out).meta["original"] == "mit_b0.pth"
    assert run("verify", str(out), "--against", str(source)) == 0
    shown = capsys.readouterr().out
    assert "not checked" in shown and "all 92 tensors equal" in shown and "fingerprint of the tensors: " in shown
    torch.save(values(OFFICIAL["vit"]()), tmp_path / "other.pth")
    assert run("verify", str(out), "--against", str(tmp_path / "other.pth"), "--json") == 1
    facts = json.loads(capsys.readouterr().out)
    assert not facts["good"] and facts["checks"][-1]["status"] == "failed"


def test_convert_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = official(tmp_path), tmp_path / "w.safetensors"
    assert run("convert", str(source), str(out), "--from", "segue") == 0
    assert "The names of the weights were kept." in capsys.readouterr().out
    assert "block1.0.attn.q.weight" in read(out).state_dict
    assert run("convert", str(source), str(out), "--from", "mit2mmseg") == 0
    with pytest.raises(InputError, match=r"--from swin: .*mit_b0\.pth has no keys like layers\.0\.blocks\.0\.attn"):
        run("convert", str(source), str(tmp_path / "none.safetensors"), "--from", "swin")
    assert not (tmp_path / "none.safetensors").exists()
    torch.save(values(OFFICIAL["vit"]()), tmp_path / "vit.pth")
    assert run("convert", str(tmp_path / "vit.pth"), str(out)) == 0
    assert "They could also be meant for mae: choose with --from." in capsys.readouterr().out


def test_convert_puts_a_config_inside(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the names and colors of the classes that its dataset has."""
    config = tmp_path / "c.py"
    head = "dict(type='FCNHead', in_channels=16, channels=4, num_convs=1, num_classes=19)"
    backbone = "dict(type='ERFNet')"
    dataset = "test_dataloader = dict(dataset=dict(type='CityscapesDataset'))"
    config.write_text(f"model = dict(type='EncoderDecoder', backbone={backbone}, decode_head={head})\n{dataset}\n")
    out = tmp_path / "w.safetensors"
    assert (
        run("convert", str(file), str(out), "--config", str(config), "--cfg-options", "model.decode_head.channels=8")
        == 0
    )
    assert "with its config and the names of 19 classes" in capsys.readouterr().out
    found = read(out)
    assert found.classes is not None and found.classes[0] == "road" and found.palette is not None
    assert found.config is not None and "channels=8" in found.config
