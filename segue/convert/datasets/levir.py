"""LEVIR-CD: 637 pairs of aerial images of 1024 x 1024 pixels, cut into tiles."""

from __future__ import annotations

from functools import partial

from segue.convert.dataset import Converter, Plan
from segue.convert.pictures import foreground, image
from segue.convert.tiles import Tiling


def plan(plan: Plan) -> None:
    """Tiles of both images and of the label map of what has changed."""
    for split, whole in (("train", 445), ("val", 64), ("test", 128)):
        found = {
            folder: plan.by_name(
                plan.find(f"images of {split}/{folder}", f"{split}/{folder}/*.png"), lambda member: member.stem
            )
            for folder in ("A", "B", "label")
        }
        plan.expect(whole, len(found["A"]), f"pairs of {split}")
        for key, first, second in plan.pairs(found["A"], found["B"], "second image"):
            plan.tiles(f"{split}/A/{key}", partial(image, first))
            plan.tiles(f"{split}/B/{key}", partial(image, second))
        for key, _, mask in plan.pairs(found["A"], found["label"], "label map"):
            plan.tiles(f"{split}/label/{key}", partial(foreground, mask))


CONVERTER = Converter(
    title="LEVIR-CD",
    dataset="LEVIRCDDataset",
    page="https://justchenhao.github.io/LEVIR",
    download="train.zip, val.zip and test.zip",
    layout="train/A/train_1.png, train/B/train_1.png, train/label/train_1.png ...",
    makes="{train,val,test}/{A,B,label}: 16 tiles of 256 x 256 for each image, labels 0 and 1",
    folder="LEVIRCD",
    plan=plan,
    tiling=Tiling((256, 256)),
    also=("LEVIR",),
)
