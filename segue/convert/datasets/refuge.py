"""REFUGE: 1200 retinas with optic disc and cup."""

from __future__ import annotations

from functools import partial

from segue.convert.dataset import Converter, Plan
from segue.convert.members import Member
from segue.convert.pictures import image_png, renumbered_png

IDS = {0: 1, 128: 2, 255: 0}  # cup, disc, everything else
SPLITS = ("training", "validation", "test")


def plan(plan: Plan) -> None:
    """Images, and masks from the folders called Disc_Cup_Masks."""
    pictures = [member for member in plan.find("images", "*.jpg") if "illustration" not in member.path.lower()]
    marked = plan.find("masks", "Disc_Cup_Masks/**/*.bmp")
    for split in SPLITS:
        images = plan.by_name([member for member in pictures if _split(member) == split], lambda member: member.stem)
        masks = plan.by_name([member for member in marked if _split(member) == split], lambda member: member.stem)
        if not images:  # the error says what is there
            plan.find(f"images of {split}", f"*{split}*/**/*.jpg")
        plan.expect(400, len(images), f"images of {split}")
        for key, member, mask in plan.pairs(images, masks):
            plan.file(f"images/{split}/{key}.png", partial(image_png, member))
            plan.file(f"annotations/{split}/{key}.png", partial(renumbered_png, mask, IDS))


def _split(member: Member) -> str | None:
    """The split that the innermost folder names."""
    return next((split for folder in reversed(member.folders) for split in SPLITS if split in folder.lower()), None)


CONVERTER = Converter(
    title="REFUGE",
    dataset="REFUGEDataset",
    page="https://refuge.grand-challenge.org",
    download=(
        "REFUGE-Training400.zip, Annotation-Training400.zip, REFUGE-Validation400.zip, REFUGE-Validation400-GT.zip, "
        "REFUGE-Test400.zip, REFUGE-Test-GT.zip"
    ),
    layout="images (.jpg) and Disc_Cup_Masks/ (.bmp) in folders whose names say training, validation or test",
    makes="{images,annotations}/{training,validation,test}: 400 images each, 0 background, 1 cup, 2 disc",
    folder="REFUGE",
    plan=plan,
)
