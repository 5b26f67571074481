"""ISPRS Vaihingen: 33 aerial images of about 2000 x 2500 pixels, cut into tiles."""

from __future__ import annotations

import re
from functools import partial

from segue.convert.dataset import Converter, Plan
from segue.convert.members import Member
from segue.convert.pictures import ids_of_colors, image
from segue.convert.tiles import Tiling
from segue.datasets.potsdam import PALETTE
from segue.errors import DataError

TRAIN = (1, 3, 5, 7, 11, 13, 15, 17, 21, 23, 26, 28, 30, 32, 34, 37)
#: Black is the border between objects, which is not evaluated.
COLORS = [(0, 0, 0), *((red, green, blue) for red, green, blue in PALETTE)]
_NAME = re.compile(r"area(\d+)", re.IGNORECASE)


def plan(plan: Plan) -> None:
    """Tiles of the images and of the masks without borders, as the published numbers were measured."""
    images = plan.by_name(plan.find("images", "top/top_mosaic_09cm_area*.tif"), _key)
    masks = plan.by_name(plan.find("masks", "top_mosaic_09cm_area*_noBoundary.tif"), _key)
    unlabeled = [key for key in images if key not in masks]
    if unlabeled:
        plan.notes.append(f"without a mask, left out: {', '.join(unlabeled)}")
    plan.expect(33, len(images) - len(unlabeled), "images with masks")
    for key, member, mask in plan.pairs({key: images[key] for key in images if key in masks}, masks):
        split = "train" if int(key[len("area") :]) in TRAIN else "val"
        plan.tiles(f"img_dir/{split}/{key}", partial(image, member))
        plan.tiles(f"ann_dir/{split}/{key}", partial(ids_of_colors, mask, COLORS))


def _key(member: Member) -> str:
    found = _NAME.search(member.name)
    if found is None:
        raise DataError(f"{member.where}: the name has no area such as area1")
    return f"area{int(found[1])}"


CONVERTER = Converter(
    title="Vaihingen",
    dataset="ISPRSDataset",
    page="https://www.isprs.org/education/benchmarks/UrbanSemLab",
    download=(
        "ISPRS_semantic_labeling_Vaihingen.zip and ISPRS_semantic_labeling_Vaihingen_ground_truth_eroded_COMPLETE.zip"
    ),
    layout="top/top_mosaic_09cm_area1.tif, top_mosaic_09cm_area1_noBoundary.tif ...",
    makes="{img_dir,ann_dir}/{train,val}: 344 and 398 tiles of 512 x 512, labels 1..6, 0 for borders",
    folder="vaihingen",
    plan=plan,
    tiling=Tiling((512, 512)),
    also=("ISPRS Vaihingen", "ISPRS"),
)
