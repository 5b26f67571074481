"""Folders as CamVid and a set of rock images are handed out train with the config that ``segue check`` writes.

No dataset class is named: 11 is found to be unlabeled in the one, the split lists of VOC's layout in the other.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from segue.cli import main
from segue.masks.decode import read_mask

MODEL = """
_base_ = ['{data}']
crop_size = (32, 32)
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor', mean=[120.0] * 3, std=[60.0] * 3, bgr_to_rgb=True, size=crop_size),
    backbone=dict(type='ResNet', depth=18, base_channels=4, stem_channels=4, norm_cfg=norm_cfg),
    decode_head=dict(
        type='FCNHead', in_channels=8, in_index=1, channels=8, num_convs=1, num_classes={classes}, norm_cfg=norm_cfg),
    test_cfg=dict(mode='whole'))
train_dataloader = dict(num_workers=0, persistent_workers=False)
val_dataloader = dict(num_workers=0, persistent_workers=False)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01, momentum=0.9))
train_cfg = dict(type='IterBasedTrainLoop', max_iters=3, val_interval=3)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
default_hooks = dict(logger=dict(type='LoggerHook', interval=1))
randomness = dict(seed=0)
"""


def blocks(seed: int, classes: int) -> np.ndarray:
    """Labels in blocks; together the masks have all of them."""
    values = (np.random.default_rng(seed).permutation(48) % classes).reshape(6, 8)
    return np.kron(values, np.ones((6, 6), np.int64)).astype(np.uint8)


def shown(labels: np.ndarray) -> np.ndarray:
    return (labels * 20 + 10).astype(np.uint8)


def make_camvid(root: Path) -> Path:
    """``images/train/*.jpg`` and ``labels/train/*.png`` with 11 classes and 11 for unlabeled; the same for val."""
    for split, first, count in (("train", 0, 6), ("val", 100, 2)):
        for folder in ("images", "labels"):
            (root / folder / split).mkdir(parents=True)
        for number in range(first, first + count):
            labels = blocks(number, 12)
            cv2.imwrite(str(root / "labels" / split / f"0001TP_{number:06}.png"), labels)
            image = cv2.cvtColor(shown(labels), cv2.COLOR_GRAY2BGR)
            cv2.imwrite(str(root / "images" / split / f"0001TP_{number:06}.jpg"), image)
    return root


def make_rock(root: Path) -> Path:
    """VOC's folders and lists, gray JPEGs of one channel, four classes."""
    for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (root / folder).mkdir(parents=True)
    for split, first, count in (("train", 0, 6), ("val", 100, 2)):
        stems = [f"{number:06}" for number in range(first, first + count)]
        (root / "ImageSets" / "Segmentation" / f"{split}.txt").write_text("\n".join(stems))
        for number, stem in enumerate(stems, first):
            labels = blocks(number, 4)
            cv2.imwrite(str(root / "SegmentationClass" / f"{stem}.png"), labels)
            cv2.imwrite(str(root / "JPEGImages" / f"{stem}.jpg"), shown(labels))
    return root


@pytest.mark.parametrize(
    ("make", "classes", "image", "proposal"),
    [
        (make_camvid, 11, "images/val/0001TP_000100.jpg", "ignore_index=11"),
        (make_rock, 4, "JPEGImages/000101.jpg", "split='ImageSets/Segmentation/train.txt'"),
    ],
)
def test_check_train_predict(
    make: object,
    classes: int,
    image: str,
    proposal: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    root = make(tmp_path / make.__name__.removeprefix("make_"))  # type: ignore[operator,attr-defined]
    data = Path("data.py")
    main(["check", str(root), "--apply", str(data)])
    assert proposal in capsys.readouterr().out
    assert data.read_text().count("type='FolderDataset'") == 2
    Path("config.py").write_text(MODEL.format(data=data, classes=classes))
    assert main(["train", "config.py", "--work-dir", "run"]) == 0
    lines = [json.loads(line) for line in Path("run/scalars.jsonl").read_text().splitlines()]
    losses = [line["loss"] for line in lines if line["mode"] == "train"]
    assert len(losses) == 3
    assert all(math.isfinite(loss) and loss > 0 for loss in losses)
    assert [0 <= line["mIoU"] <= 100 for line in lines if line["mode"] == "val"] == [True]
    assert main(["predict", "config.py", "run/last.ckpt", str(root / image), "--out", "seen"]) == 0
    predicted = read_mask(Path("seen") / f"{Path(image).stem}.png")
    assert predicted.shape == (36, 48)
    assert predicted.max() < classes
