"""A small dataset in order, and fourteen ways to spoil it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

CONFIG = """
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor', mean=[120.0] * 3, std=[60.0] * 3, bgr_to_rgb=True, size=(32, 32)),
    backbone=dict(type='ResNet', depth=18, base_channels=4, stem_channels=4, norm_cfg=norm_cfg),
    decode_head=dict(
        type='FCNHead', in_channels=8, in_index=1, channels=8, num_convs=1, num_classes={count}, norm_cfg=norm_cfg),
    test_cfg=dict(mode='whole'))
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomCrop', crop_size=(32, 32)),
    dict(type='PackSegInputs')]
test_pipeline = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), dict(type='PackSegInputs')]
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='BaseSegDataset',
        data_root='{root}',
        img_suffix='.png',
        data_prefix=dict(img_path='images/train', seg_map_path='masks/train'),
        metainfo=dict(classes={classes}),
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='BaseSegDataset',
        data_root='{root}',
        img_suffix='.png',
        data_prefix=dict(img_path='images/val', seg_map_path='masks/val'),
        metainfo=dict(classes={classes}),
        pipeline=test_pipeline))
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01, momentum=0.9))
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=0, begin=0, end=2, by_epoch=False)]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=2, val_interval=2)
val_cfg = dict(type='ValLoop')
default_hooks = dict(checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=2))
randomness = dict(seed=0)
"""


def make_data(folder: Path, count: int = 3) -> Path:
    """Six training and three validation pairs of ``count`` classes, 48 x 64 pixels; returns the config."""
    random = np.random.default_rng(0)
    for split, pairs in (("train", 6), ("val", 3)):
        for kind in ("images", "masks"):
            (folder / "data" / kind / split).mkdir(parents=True)
        for i in range(pairs):
            labels = np.kron(random.permutation(np.arange(12) % count).reshape(3, 4), np.ones((16, 16)))
            image = labels[..., None] * 60 + random.integers(0, 40, (48, 64, 3))
            write(folder, f"masks/{split}/{split}{i}", labels)
            write(folder, f"images/{split}/{split}{i}", image)
    config = folder / "config.py"
    classes = repr([f"class {i}" for i in range(count)])
    config.write_text(CONFIG.format(root=folder / "data", count=count, classes=classes))
    return config


def write(folder: Path, name: str, array: np.ndarray, dtype: type = np.uint8) -> None:
    assert cv2.imwrite(str(folder / "data" / f"{name}.png"), array.astype(dtype))


def read(folder: Path, name: str) -> np.ndarray:
    return cv2.imread(str(folder / "data" / f"{name}.png"), cv2.IMREAD_UNCHANGED)


def each_mask(change: Callable[[np.ndarray], np.ndarray], dtype: type = np.uint8) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        for path in (folder / "data" / "masks").rglob("*.png"):
            assert cv2.imwrite(str(path), change(cv2.imread(str(path), cv2.IMREAD_UNCHANGED)).astype(dtype))

    return spoil


def stray_value(folder: Path) -> None:
    mask = read(folder, "masks/train/train3")
    mask[:4, :5] = 7
    write(folder, "masks/train/train3", mask)


def void_value(folder: Path) -> None:
    each_mask(lambda mask: np.where(np.arange(64) < 5, 3, mask))(folder)


def gray_edges(folder: Path) -> None:
    """Noise of resizing along the vertical border of a 0/255 mask: seven gray columns of the 64."""
    ramp = np.linspace(16, 240, 7)

    def blurred(mask: np.ndarray) -> np.ndarray:
        mask = (np.arange(64) > 30) * np.full((48, 1), 255)
        mask[:, 28:35] = ramp
        return mask

    each_mask(blurred)(folder)


def color_mask(folder: Path) -> None:
    table = np.array([[0, 0, 0], [0, 0, 128], [0, 128, 0]])
    write(folder, "masks/train/train3", table[read(folder, "masks/train/train3")])


def truncated(name: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        path = folder / "data" / name
        path.write_bytes(path.read_bytes()[:-40])

    return spoil


def other_size(folder: Path) -> None:
    write(folder, "masks/train/train3", read(folder, "masks/train/train3")[:, :40])


def copied(source: str, target: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        for kind in ("images", "masks"):
            shutil.copy(folder / "data" / kind / f"{source}.png", folder / "data" / kind / f"{target}.png")

    return spoil


def linked_validation(folder: Path) -> None:
    for kind in ("images", "masks"):
        (folder / "data" / kind / "val" / "val0.png").unlink()
        (folder / "data" / kind / "val" / "val0.png").symlink_to(folder / "data" / kind / "train" / "train0.png")


def removed(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / "data" / name).unlink()


#: name -> (classes, how to spoil the data, kind of the finding, what the message says, the lines that mend it)
FAULTS: dict[str, tuple[int, Callable[[Path], None], str, str, list[str]]] = {
    "value out of range": (
        3,
        stray_value,
        "out-of-range",
        r"train3\.png: value 7 \(20 pixels\)",
        ["label_map={7: 255}"],
    ),
    "0/255 masks": (
        2,
        each_mask(lambda m: m * 255),
        "binary-mask",
        r"only values are 0 .* and 255",
        ["label_map={0: 0, 255: 1}"],
    ),
    "ids from 1": (
        3,
        each_mask(lambda m: m + 1),
        "off-by-one",
        r"from 1 to 3 and 0 is not used",
        ["reduce_zero_label=True"],
    ),
    "unlabeled is 3": (3, void_value, "void-value", r"value 3 \(.*looks like unlabeled", ["ignore_index=3"]),
    "RGB mask": (3, color_mask, "color-mask", r"train3\.png: 1 mask with .*\(128, 0, 0\)", []),
    "gray edges": (
        2,
        gray_edges,
        "smoothed-mask",
        r"were smoothed",
        ["label_map={value: int(value > 127) for value in range(256)}"],
    ),
    "16-bit instance ids": (
        3,
        each_mask(lambda m: m.astype(int) * 1000, np.uint16),
        "16-bit-mask",
        r"class \* 1000",
        ["label_map={value: value // 1000 for value in [0, 1000, 2000]}"],
    ),
    "mask of another size": (3, other_size, "size", r"train3\.png.*40 x 48 pixels.*64 x 48", []),
    "missing mask": (3, removed("masks/train/train3.png"), "missing-mask", r"train3\.png", []),
    "mask without image": (
        3,
        removed("images/train/train3.png"),
        "missing-image",
        r"1 mask without an image: train3",
        [],
    ),
    "truncated image": (3, truncated("images/train/train3.png"), "corrupt-image", r"train3\.png.*incomplete", []),
    "truncated mask": (3, truncated("masks/val/val1.png"), "corrupt-mask", r"val1\.png.*incomplete", []),
    "file in two splits": (3, linked_validation, "leak-file", r"In train and val alike: 1 image: train0", []),
    "copy in another split": (
        3,
        copied("train/train1", "val/val9"),
        "leak-content",
        r"In train and val alike, as copies .* 1 image: train/train1.png = val/val9.png",
        [],
    ),
    "same image twice": (3, copied("train/train1", "train/train9"), "duplicate", r"train1\.png = .*train9\.png", []),
    "empty class": (
        3,
        each_mask(lambda m: np.where(m == 2, 1, m)),
        "empty-class",
        r"1 of 3 classes .* class 2 \(2\)",
        [],
    ),
}
