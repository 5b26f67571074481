"""STARE: 20 retinas with the vessels drawn by Adam Hoover (ah) and Valentina Kouznetsova (vk)."""

from __future__ import annotations

from functools import partial

from segue.convert.dataset import Converter, Plan
from segue.convert.pictures import foreground_png, image_png

TRAINING = (
    *("im0001", "im0002", "im0003", "im0004", "im0005", "im0044", "im0077", "im0081", "im0082", "im0139"),
)  # the first ten of twenty


def plan(plan: Plan) -> None:
    """Images, and the masks of both."""
    every = plan.find("images", "im*.ppm")
    images = plan.by_name([member for member in every if member.stem.count(".") == 0], lambda member: member.stem)
    plan.expect(20, len(images), "images")
    for key, member in images.items():
        plan.file(f"images/{_split(key)}/{key}.png", partial(image_png, member))
    for observer in ("ah", "vk"):
        found = plan.find(f"labels-{observer}", f"im*.{observer}.ppm")
        masks = plan.by_name(found, lambda member: member.name.split(".")[0])
        for key, _, mask in plan.pairs(images, masks, f"mask by {observer}"):
            plan.file(f"annotations/{_split(key)}/{key}.{observer}.png", partial(foreground_png, mask))


def _split(key: str) -> str:
    return "training" if key in TRAINING else "validation"


CONVERTER = Converter(
    title="STARE",
    dataset="STAREDataset",
    page="https://cecas.clemson.edu/~ahoover/stare",
    download="stare-images.tar, labels-ah.tar and labels-vk.tar",
    layout="im0001.ppm.gz, im0001.ah.ppm.gz, im0001.vk.ppm.gz ...",
    makes="{images,annotations}/{training,validation}: 10 images each, masks of 0 and 1 by both observers",
    folder="STARE",
    plan=plan,
)
