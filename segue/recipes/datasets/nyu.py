"""NYU Depth v2: depth of rooms. https://cs.nyu.edu/~silberman/datasets/nyu_depth_v2.html"""

from __future__ import annotations

from segue.recipes.data import Data, Size, Step

PACK = dict(
    type="PackSegInputs",
    meta_keys=(
        *("img_path", "depth_map_path", "ori_shape", "img_shape", "pad_shape", "scale_factor"),
        *("flip", "flip_direction", "category_id"),
    ),
)
LOAD = dict(type="LoadDepthAnnotation", depth_rescale_factor=1e-3)


def train_steps(crop: Size) -> list[Step]:
    """Crops of 480 need no resizing: that is the height of the images."""
    resize = dict(type="RandomResize", scale=(crop[1] * 3 // 2, crop[0]), ratio_range=(0.8, 1.5), keep_ratio=True)
    colors = [dict(type="RandomBrightnessContrast"), dict(type="RandomGamma"), dict(type="HueSaturationValue")]
    return [
        dict(type="LoadImageFromFile"),
        dict(LOAD),
        dict(type="RandomDepthMix", prob=0.25),
        dict(type="RandomFlip", prob=0.5),
        *([resize] if crop != (480, 480) else []),
        dict(type="RandomCrop", crop_size=crop),
        dict(type="Albu", transforms=colors),
        dict(PACK),
    ]


def test_steps(crop: Size) -> list[Step]:
    """Resize the short side to the crop."""
    longest = 2000 if crop == (480, 480) else 4 * min(crop)
    resize = dict(type="Resize", scale=(longest, min(crop)), keep_ratio=True)
    return [dict(type="LoadImageFromFile"), resize, dict(LOAD), dict(PACK)]


DATA = Data(
    type="NYUDataset",
    root="data/nyu",
    num_classes=1,
    crop=(480, 480),
    train=dict(data_prefix=dict(img_path="images/train", depth_map_path="annotations/train")),
    val=dict(test_mode=True, data_prefix=dict(img_path="images/test", depth_map_path="annotations/test")),
    batch=8,
    workers=8,
    iters=25_000,
    tta=False,
    train_steps=train_steps,
    test_steps=test_steps,
    evaluator=dict(type="DepthMetric", min_depth_eval=0.001, max_depth_eval=10.0, crop_type="nyu_crop"),
)
