"""LEVIR-CD: what was built between two pictures of a place, 2 classes. https://justchenhao.github.io/LEVIR"""

from __future__ import annotations

from segue.recipes.data import Data, Size, Step


def train_steps(crop: Size) -> list[Step]:
    """Both pictures become one of six channels; they are not resized."""
    changes = [
        dict(type="RandomBrightnessContrast", p=0.2),
        dict(type="HorizontalFlip", p=0.5),
        dict(type="VerticalFlip", p=0.5),
    ]
    return [
        dict(type="LoadMultipleRSImageFromFile"),
        dict(type="LoadAnnotations"),
        dict(type="Albu", transforms=changes),
        dict(type="ConcatCDInput"),
        dict(type="PackSegInputs"),
    ]


def test_steps(crop: Size) -> list[Step]:
    """As training, without changes."""
    return [step for step in train_steps(crop) if step["type"] != "Albu"]


def tta_steps() -> list[Step]:
    """No sizes, no flips."""
    changes = [[dict(type="LoadAnnotations")], [dict(type="ConcatCDInput")], [dict(type="PackSegInputs")]]
    return [dict(type="LoadMultipleRSImageFromFile"), dict(type="TestTimeAug", transforms=changes)]


DATA = Data(
    type="LEVIRCDDataset",
    root="data/LEVIRCD",
    num_classes=2,
    crop=(256, 256),
    train=dict(data_prefix=dict(img_path="train/A", img_path2="train/B", seg_map_path="train/label")),
    val=dict(data_prefix=dict(img_path="test/A", img_path2="test/B", seg_map_path="test/label")),
    pictures=2,
    iters=20_000,
    train_steps=train_steps,
    test_steps=test_steps,
    tta_steps=tta_steps,
)
