"""CHASE DB1: 28 retinas of 14 children; the first 10 children are for training."""

from __future__ import annotations

import re
from functools import partial

from segue.convert.dataset import Converter, Plan
from segue.convert.members import Member
from segue.convert.pictures import foreground_png, image_png

_NAME = re.compile(r"Image_(\d+)[LR]", re.IGNORECASE)


def plan(plan: Plan) -> None:
    """Images and the masks of both observers."""
    images = plan.by_name(plan.find("images", "Image_*.jpg"), lambda member: member.stem)
    plan.expect(28, len(images), "images")
    for observer in ("1stHO", "2ndHO"):
        end = f"_{observer}"
        found = plan.find(f"masks of observer {observer}", f"Image_*{end}.png")
        masks = plan.by_name(found, lambda member: "_".join(member.stem.split("_")[:2]))
        for key, _, mask in plan.pairs(images, masks, f"mask of observer {observer}"):
            plan.file(f"annotations/{_split(mask)}/{key}{end}.png", partial(foreground_png, mask))
    for key, member in images.items():
        plan.file(f"images/{_split(member)}/{key}.png", partial(image_png, member))


def _split(member: Member) -> str:
    number = _NAME.match(member.name)
    return "training" if number and int(number[1]) <= 10 else "validation"


CONVERTER = Converter(
    title="CHASE DB1",
    dataset="ChaseDB1Dataset",
    page="https://researchdata.kingston.ac.uk/96",
    download="CHASEDB1.zip",
    layout="Image_01L.jpg, Image_01L_1stHO.png, Image_01L_2ndHO.png ...",
    makes="{images,annotations}/{training,validation}: 20 and 8 images, masks of 0 and 1 by both observers",
    folder="CHASE_DB1",
    plan=plan,
)
