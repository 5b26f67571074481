"""Each kind of labels from data to pictures: trained, measured and predicted by the real commands.

Oracle: the generated shapes themselves; each class adds to one color, so a small model learns them within seconds.
"""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

import segue
from segue.cli import main
from tests.cli.shapes import CLASSES, make_disks, make_folders, shapes, write_config


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path / "home"))
    return tmp_path


def measured(config: Path, weights: Path, *more: str) -> dict[str, float]:
    """What ``segue test`` writes."""
    assert main(["test", str(config), str(weights), "--work-dir", "measured", *more]) == 0
    return json.loads(Path("measured/metrics.json").read_text())


def trained(config: Path) -> Path:
    assert main(["train", str(config), "--work-dir", "run"]) == 0
    [weights] = Path("run").glob("best_*.safetensors")
    return weights


def test_several_classes_per_pixel(project: Path) -> None:
    make_folders(project)
    dataset = f"type='MultilabelDataset', classes={list(CLASSES)}"
    config = write_config(project, "dict(kind='multilabel')", "num_classes=3", dataset, 80)
    weights = trained(config)
    for options in (
        ["--out", "tested"],
        ["--tta"],
        ["--cfg-options", "model.test_cfg.mode=slide", "model.test_cfg.crop_size=64", "model.test_cfg.stride=16"],
    ):
        found = measured(config, weights, *options)
        assert min(found[f"IoU/{name}"] for name in CLASSES) > 60, options
    tested = cv2.imread("tested/square/00.png", cv2.IMREAD_UNCHANGED)
    assert set(np.unique(tested)) == {0, 255}

    predictor = segue.load(weights)  # the file alone knows its kind, classes and threshold
    for i in range(4):
        _, stack = shapes(1000 + i)
        result = predictor.predict(f"images/val/{i:02d}.png")
        assert result.masks.shape == (3, 80, 80) and result.masks.dtype == bool
        both = (stack[..., 0] & stack[..., 1]).astype(bool)
        assert (result.masks[0] & result.masks[1])[both].mean() > 0.8
        assert result.masks[:, stack.max(axis=2) == 0].mean() < 0.05
    assert main(["predict", str(weights), "images/val", "--out", "seen"]) == 0
    for index, name in enumerate(CLASSES):
        mask = cv2.imread(f"seen/{name}/03.png", cv2.IMREAD_UNCHANGED)
        assert np.array_equal(mask == 255, result.masks[index])
    assert np.array_equal(cv2.imread("seen/03_overlay.png")[..., ::-1], result.overlay())


@pytest.mark.parametrize(
    ("labels", "head"),
    [
        (
            "dict(kind='binary', map={0: 0, 255: 1})",
            "loss_decode=[dict(type='CrossEntropyLoss'), dict(type='DiceLoss')]",
        ),
        ("dict(kind='multiclass', map={0: 0, 255: 1})", "num_classes=2"),
    ],
    ids=["one logit", "two logits"],
)
def test_two_classes(project: Path, labels: str, head: str) -> None:
    make_disks(project)
    dataset = "type='FolderDataset', classes=['background', 'disk']"
    config = write_config(project, labels, head, dataset, 50)
    weights = trained(config)
    assert measured(config, weights)["IoU/disk"] > 60
    assert measured(config, weights, "--tta")["IoU/disk"] > 60
    predictor = segue.load(weights)
    logits = 1 if "binary" in labels else 2
    assert predictor.model.decode_head.conv_seg.weight.shape[0] == logits
    _, stack = shapes(1000)
    result = predictor.predict("images/val/00.png")
    assert (result.labels == stack[..., 0]).mean() > 0.95
    assert np.array_equal(result.masks, [result.labels == 0, result.labels == 1])
    assert main(["predict", str(config), str(weights), "images/val", "--out", "seen"]) == 0
    assert set(np.unique(cv2.imread("seen/00.png", cv2.IMREAD_UNCHANGED))) == {0, 1}
    if logits == 1:
        covered = [
            segue.load(config, weights, cfg_options=[f"labels.threshold={p}"]).predict("images/val/00.png").labels.sum()
            for p in (0.02, 0.5, 0.98)
        ]
        assert covered[0] > covered[1] > covered[2]
        assert covered[1] == result.labels.sum()
