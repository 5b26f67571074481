"""Synapse: organs in computed tomography, 9 classes. https://www.synapse.org/#!Synapse:syn3193805"""

from __future__ import annotations

from segue.recipes.data import Data, Size, Step, folders


def train_steps(crop: Size) -> list[Step]:
    """Whole slices, rotated or flipped."""
    return [
        dict(type="LoadImageFromFile"),
        dict(type="LoadAnnotations"),
        dict(type="Resize", scale=(crop[1], crop[0]), keep_ratio=True),
        dict(type="RandomRotFlip", rotate_prob=0.5, flip_prob=0.5, degree=20),
        dict(type="PackSegInputs"),
    ]


def test_steps(crop: Size) -> list[Step]:
    """The slices as they are, resized."""
    return [
        dict(type="LoadImageFromFile"),
        dict(type="Resize", scale=(crop[1], crop[0]), keep_ratio=True),
        dict(type="LoadAnnotations"),
        dict(type="PackSegInputs"),
    ]


DATA = Data(
    type="SynapseDataset",
    root="data/synapse/",
    num_classes=9,
    crop=(224, 224),
    train=folders("img_dir/train", "ann_dir/train"),
    val=folders("img_dir/val", "ann_dir/val"),
    batch=6,
    workers=2,
    metric="mDice",
    tta=False,
    train_steps=train_steps,
    test_steps=test_steps,
)
