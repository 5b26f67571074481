"""Generated images whose pixels have several classes: disks, squares and bars that lie across each other.

Each class adds to one color channel, so that what is where can be learned in seconds and seen by eye.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

CLASSES = ("disk", "square", "bar")
CONFIG = """
labels = {labels}
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor', mean=[100.0] * 3, std=[60.0] * 3, bgr_to_rgb=True, size=(64, 64)),
    backbone=dict(
        type='ResNet', depth=18, base_channels=16, stem_channels=16, num_stages=1, strides=(1,), dilations=(1,),
        out_indices=(0,), norm_cfg=norm_cfg),
    decode_head=dict(
        type='FCNHead', in_channels=16, in_index=0, channels=16, num_convs=1, dropout_ratio=0, norm_cfg=norm_cfg,
        {head}),
    test_cfg=dict(mode='whole'))
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale=(80, 80), ratio_range=(0.8, 1.2), keep_ratio=True),
    dict(type='RandomCrop', crop_size=(64, 64), cat_max_ratio=0.9),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs')]
test_pipeline = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), dict(type='PackSegInputs')]
tta_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='TestTimeAug', transforms=[
        [dict(type='RandomFlip', prob=0.0), dict(type='RandomFlip', prob=1.0)],
        [dict(type='LoadAnnotations')],
        [dict(type='PackSegInputs')]])]
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict({dataset}, images='images/train', masks='masks/train', pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict({dataset}, images='images/val', masks='masks/val', pipeline=test_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU', 'mDice'])
test_evaluator = val_evaluator
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=0.03))
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=0, begin=0, end={steps}, by_epoch=False)]
train_cfg = dict(type='IterBasedTrainLoop', max_iters={steps}, val_interval={steps})
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
default_hooks = dict(
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval={steps}, save_best='mIoU'),
    logger=dict(type='LoggerHook', interval=20))
randomness = dict(seed=0)
"""


def shapes(seed: int, side: int = 80) -> tuple[np.ndarray, np.ndarray]:
    """An image (H, W, 3) BGR and its stack (H, W, 3) of 0 and 1; the disk and the square always overlap."""
    random = np.random.default_rng(seed)
    stack = np.zeros((side, side, 3), np.uint8)
    row, column = random.integers(side // 3, 2 * side // 3, 2)
    maps = [np.zeros((side, side), np.uint8) for _ in CLASSES]
    cv2.circle(maps[0], (int(column), int(row)), int(random.integers(12, 20)), 1, -1)
    corner = int(column) - int(random.integers(0, 16)), int(row) - int(random.integers(0, 16))
    cv2.rectangle(maps[1], corner, (corner[0] + 26, corner[1] + 26), 1, -1)
    top = int(random.integers(0, side - 14))
    maps[2][top : top + 14] = 1
    for index, one in enumerate(maps):
        stack[..., index] = one
    image = 40 + 120 * stack[..., ::-1].astype(int) + random.integers(0, 40, (side, side, 3))
    return image.astype(np.uint8), stack


def write_image(folder: Path, split: str, name: str, image: np.ndarray) -> None:
    (folder / "images" / split).mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(folder / "images" / split / f"{name}.png"), image)


def make_folders(folder: Path, train: int = 16, val: int = 4) -> Path:
    """``images/<split>/<i>.png`` and ``masks/<split>/<class>/<i>.png`` of 0 and 255."""
    for split, first, count in (("train", 0, train), ("val", 1000, val)):
        for i in range(count):
            image, stack = shapes(first + i)
            write_image(folder, split, f"{i:02d}", image)
            for index, name in enumerate(CLASSES):
                place = folder / "masks" / split / name
                place.mkdir(parents=True, exist_ok=True)
                assert cv2.imwrite(str(place / f"{i:02d}.png"), stack[..., index] * 255)
    return folder


def make_disks(folder: Path, train: int = 16, val: int = 4) -> Path:
    """``images/<split>/<i>.png`` and ``masks/<split>/<i>.png``, where the disk is 255."""
    for split, first, count in (("train", 0, train), ("val", 1000, val)):
        (folder / "masks" / split).mkdir(parents=True)
        for i in range(count):
            image, stack = shapes(first + i)
            write_image(folder, split, f"{i:02d}", image)
            assert cv2.imwrite(str(folder / "masks" / split / f"{i:02d}.png"), stack[..., 0] * 255)
    return folder


def write_config(folder: Path, labels: str, head: str, dataset: str, steps: int) -> Path:
    """``labels``, ``head`` and ``dataset`` are the source of what differs between kinds."""
    path = folder / "config.py"
    dataset = f"{dataset}, data_root={str(folder)!r}"
    path.write_text(CONFIG.format(labels=labels, head=head, dataset=dataset, steps=steps))
    return path
