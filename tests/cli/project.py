"""A user's project in a folder: eight images of three gray levels with their masks, and a config."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

CONFIG = """
norm_cfg = dict(type='BN', requires_grad=True)
data_root = '{root}'
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor', mean=[120.0] * 3, std=[60.0] * 3, bgr_to_rgb=True, size=(32, 32)),
    backbone=dict(type='ResNet', depth=18, base_channels=4, stem_channels=4, norm_cfg=norm_cfg),
    decode_head=dict(
        type='FCNHead', in_channels=8, in_index=1, channels=8, num_convs=1, num_classes=3, norm_cfg=norm_cfg),
    test_cfg=dict(mode='whole'))
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs')]
test_pipeline = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), dict(type='PackSegInputs')]
dataset = dict(type='FolderDataset', data_root=data_root, classes=['dark', 'gray', 'bright'])
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(pipeline=train_pipeline, **dataset))
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(pipeline=test_pipeline, **dataset))
test_dataloader = val_dataloader
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01, momentum=0.9))
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=0, begin=0, end=4, by_epoch=False)]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=4, val_interval=4)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
default_hooks = dict(
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=2),
    logger=dict(type='LoggerHook', interval=1))
randomness = dict(seed=0)
"""


def make_project(folder: Path) -> Path:
    """Write the project and return its config's path."""
    for name in ("images", "masks"):
        (folder / "data" / name).mkdir(parents=True)
    for i in range(8):
        write_pair(folder / "data", f"{i}", np.kron(np.random.default_rng(i).integers(0, 3, (4, 4)), np.ones((8, 8))))
    config = folder / "config.py"
    config.write_text(CONFIG.format(root=folder / "data"))
    return config


def write_pair(root: Path, name: str, labels: np.ndarray) -> None:
    """A mask (H, W) and an image that shows it."""
    labels = labels.astype(np.uint8)
    cv2.imwrite(str(root / "masks" / f"{name}.png"), labels)
    cv2.imwrite(str(root / "images" / f"{name}.png"), np.repeat(labels[..., None] * 100, 3, axis=2))
