"""Images of 16 bits that are nearly black when read in 8: what is proposed, pasted, trains.

Oracle: 500 of 65535 is 1 of 255, and the mean and deviation of the pixels that are written here.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from segue.cli import main
from segue.config import Config
from segue.doctor import check_config, check_folder
from segue.doctor.apply import apply
from segue.images.read import write_png

MODEL = """
norm_cfg = dict(type='BN', requires_grad=True)
data_preprocessor = dict(
    type='SegDataPreProcessor', mean=[120.0] * 3, std=[60.0] * 3, bgr_to_rgb=True, pad_val=0, seg_pad_val=255)
model = dict(
    type='EncoderDecoder',
    data_preprocessor=data_preprocessor,
    backbone=dict(type='ResNet', depth=18, base_channels=4, stem_channels=4, norm_cfg=norm_cfg),
    decode_head=dict(
        type='FCNHead', in_channels=8, in_index=1, channels=8, num_convs=1, num_classes=19, norm_cfg=norm_cfg),
    test_cfg=dict(mode='whole'))
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01, momentum=0.9))
train_cfg = dict(type='IterBasedTrainLoop', max_iters=2, val_interval=2)
val_cfg = dict(type='ValLoop')
default_hooks = dict(checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=2))
"""
DATA = """
pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs')]
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(type='FolderDataset', classes=['no', 'yes'], pipeline=pipeline))
"""
LINES = [
    "model.backbone.in_channels=1",
    "model.data_preprocessor.mean=[507.5]",
    "model.data_preprocessor.std=[36.9]",
    "model.data_preprocessor.bgr_to_rgb=False",
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Images of the values 444 to 571 and a seam between two classes."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    values = np.tile(np.arange(444, 572, dtype=np.uint16), 32)
    for name in "abcd":
        write_png(tmp_path / f"images/{name}.png", rng.permutation(values).reshape(64, 64))
        write_png(tmp_path / f"masks/{name}.png", (np.arange(64) // 32 + np.zeros((64, 1))).astype(np.uint8))
    (tmp_path / "model.py").write_text(MODEL)
    return tmp_path


def test_a_folder(folder: Path) -> None:
    """The written config and the two lines of its comment are all that a model needs."""
    report = check_folder(folder)
    [finding] = [finding for finding in report.findings if finding.kind == "16-bit-image"]
    assert finding.message.startswith("4 images of 16 bits, nearly black in the 8 bits that are read of them")
    assert [fix.line for fix in finding.fixes] == ["color_type='unchanged'", *LINES]
    text = apply(report, None, "data.py").read_text()
    usage = "\n".join(re.findall(r"^#     (.*)$", text, re.MULTILINE)).replace("MODEL.py", "model.py")
    workers = "dict(num_workers=0, persistent_workers=False)"
    loaders = f"train_dataloader = {workers}\nval_dataloader = {workers}\n"
    Path("mine.py").write_text(f"{usage}\n{loaders}")
    assert main(["train", "mine.py", "--work-dir", "run"]) == 0


def test_a_config(folder: Path) -> None:
    """Steps that are not defined for such images are left out."""
    Path("mine.py").write_text(f"_base_ = ['model.py']\n{DATA}model = dict(decode_head=dict(num_classes=2))\n")
    report = check_config(Config.fromfile("mine.py"))
    [finding] = [finding for finding in report.findings if finding.kind == "16-bit-image"]
    assert [fix.line for fix in finding.fixes] == ["color_type='unchanged'", "without PhotoMetricDistortion", *LINES]
    path = apply(report, "mine.py")
    steps = [step["type"] for step in Config.fromfile(path).train_dataloader.dataset.pipeline]
    assert steps == ["LoadImageFromFile", "LoadAnnotations", "PackSegInputs"]
    assert "16-bit-image" not in {finding.kind for finding in check_config(Config.fromfile(path)).findings}
    options = ["val_cfg=None", "train_cfg.val_interval=100"]
    assert main(["train", str(path), "--work-dir", "run", "--cfg-options", *options]) == 0


def test_a_config_without_a_model(folder: Path) -> None:
    Path("mine.py").write_text(DATA)
    findings = {finding.kind: finding for finding in check_config(Config.fromfile("mine.py")).findings}
    finding = findings["16-bit-image"]
    assert [fix.line for fix in finding.fixes] == ["color_type='unchanged'", "without PhotoMetricDistortion"]
