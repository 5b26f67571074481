"""ISPRS Potsdam: 38 aerial images of 6000 x 6000 pixels, cut into tiles."""

from __future__ import annotations

import re
from functools import partial

from segue.convert.dataset import Converter, Plan
from segue.convert.members import Member
from segue.convert.pictures import ids_of_colors, image
from segue.convert.tiles import Tiling
from segue.datasets.potsdam import PALETTE
from segue.errors import DataError

TRAIN = (
    *("2_10", "2_11", "2_12", "3_10", "3_11", "3_12", "4_10", "4_11", "4_12", "5_10", "5_11", "5_12"),
    *("6_10", "6_11", "6_12", "6_7", "6_8", "6_9", "7_10", "7_11", "7_12", "7_7", "7_8", "7_9"),
)
#: Black is the border between objects, which is not evaluated.
COLORS = [(0, 0, 0), *((red, green, blue) for red, green, blue in PALETTE)]
_NAME = re.compile(r"potsdam_0?(\d+_\d+)", re.IGNORECASE)


def plan(plan: Plan) -> None:
    """Tiles of images and masks; masks without borders are preferred, as the published numbers were measured so."""
    images = plan.by_name(plan.find("images", "top_potsdam_*_RGB.tif", "top_potsdam_*_IRRG.tif"), _key)
    masks = plan.by_name(plan.find("masks", "top_potsdam_*_label_noBoundary.tif", "top_potsdam_*_label.tif"), _key)
    plan.expect(38, len(images), "images")
    for key, member, mask in plan.pairs(images, masks):
        split = "train" if key in TRAIN else "val"
        plan.tiles(f"img_dir/{split}/{key}", partial(image, member))
        plan.tiles(f"ann_dir/{split}/{key}", partial(ids_of_colors, mask, COLORS))


def _key(member: Member) -> str:
    found = _NAME.search(member.name)
    if found is None:
        raise DataError(f"{member.where}: the name has no tile such as 2_10")
    return found[1]


CONVERTER = Converter(
    title="Potsdam",
    dataset="PotsdamDataset",
    page="https://www.isprs.org/education/benchmarks/UrbanSemLab",
    download="2_Ortho_RGB.zip and 5_Labels_all_noBoundary.zip",
    layout="top_potsdam_2_10_RGB.tif, top_potsdam_2_10_label_noBoundary.tif ...",
    makes="{img_dir,ann_dir}/{train,val}: 3456 and 2016 tiles of 512 x 512, labels 1..6, 0 for borders",
    folder="potsdam",
    plan=plan,
    tiling=Tiling((512, 512)),
    also=("ISPRS Potsdam",),
)
