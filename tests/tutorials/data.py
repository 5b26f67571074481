"""Generated data in the layouts that the tutorials use, and the configs that make their runs small."""

from __future__ import annotations

import zipfile
from pathlib import Path

import cv2
import numpy as np

SMALL = """
_base_ = 'mmseg::fcn/fcn_r18-d8_4xb2-80k_cityscapes-512x1024.py'
crop_size = (64, 64)
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    pretrained=None,
    data_preprocessor=dict(size=crop_size),
    backbone=dict(stem_channels=8, base_channels=8),
    decode_head=dict(in_channels=64, channels=16, norm_cfg=norm_cfg),
    auxiliary_head=dict(in_channels=32, channels=16, norm_cfg=norm_cfg))
train_pipeline = [
    dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'),
    dict(type='RandomCrop', crop_size=crop_size), dict(type='PackSegInputs')]
test_pipeline = [
    dict(type='LoadImageFromFile'), dict(type='Resize', scale=(128, 64), keep_ratio=True),
    dict(type='LoadAnnotations'), dict(type='PackSegInputs')]
tta_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='TestTimeAug', transforms=[
        [dict(type='Resize', scale_factor=1.0, keep_ratio=True)],
        [dict(type='RandomFlip', prob=0., direction='horizontal'),
         dict(type='RandomFlip', prob=1., direction='horizontal')],
        [dict(type='LoadAnnotations')], [dict(type='PackSegInputs')]])]
train_dataloader = dict(
    batch_size=2, num_workers=0, persistent_workers=False, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(num_workers=0, persistent_workers=False, dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(num_workers=0, persistent_workers=False, dataset=dict(pipeline=test_pipeline))
train_cfg = dict(max_iters=4, val_interval=2)
default_hooks = dict(logger=dict(interval=1), checkpoint=dict(interval=2))
"""

ISIC = """
from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS


@DATASETS.register_module()
class ISICDATASET(BaseSegDataset):
    METAINFO = dict(classes=['normal', 'lesion'], palette=[[0, 0, 0], [255, 255, 255]])

    def __init__(self, **kwargs):
        super().__init__(img_suffix='.png', seg_map_suffix='.png', **kwargs)
"""


def write(folder: Path) -> None:
    """Everything that the rows read."""
    for split, count in (("train", 4), ("val", 2)):
        for index in range(count):
            image, labels = picture(index + 10 * count, 19, (64, 128))
            name = f"{split}/aachen/a{index}"
            save(folder / f"data/cityscapes/leftImg8bit/{name}_leftImg8bit.png", image)
            save(folder / f"data/cityscapes/gtFine/{name}_gtFine_labelTrainIds.png", labels)
    for index in range(2):  # a test set without label maps
        save(folder / f"data/release_test/testing/t{index}.png", picture(index, 19, (64, 128))[0])
    for index in range(6):
        image, labels = picture(index, 2, (64, 64))
        save(folder / f"data/isic/images/i{index}.png", image)
        save(folder / f"data/isic/labels/i{index}.png", labels)
    chase(folder / "CHASEDB1.zip")
    (folder / "small.py").write_text(SMALL, encoding="utf-8")
    (folder / "isic.py").write_text(ISIC, encoding="utf-8")


def picture(seed: int, classes: int, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Blocks of 16 pixels whose brightness tells their class."""
    rng = np.random.RandomState(seed)
    blocks = rng.randint(0, classes, (size[0] // 16, size[1] // 16))
    labels = np.kron(blocks, np.ones((16, 16), int)).astype(np.uint8)
    levels = labels[..., None] * (240 // classes) + rng.randint(0, 15, (*size, 3))
    return levels.astype(np.uint8), labels


def save(path: Path, values: np.ndarray) -> None:
    """A PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), values)


def chase(path: Path) -> None:
    """The archive of CHASE DB1: 28 pictures of both eyes, each with two label maps."""
    with zipfile.ZipFile(path, "w") as archive:
        for subject in range(1, 15):
            for eye in "LR":
                image, labels = picture(subject, 2, (32, 32))
                stem = f"Image_{subject:02}{eye}"
                archive.writestr(f"{stem}.jpg", cv2.imencode(".jpg", image)[1].tobytes())
                for grader in ("1stHO", "2ndHO"):
                    archive.writestr(f"{stem}_{grader}.png", cv2.imencode(".png", labels * 255)[1].tobytes())
