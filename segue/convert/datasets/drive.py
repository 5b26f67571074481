"""DRIVE: 40 retinas; the owners' test set is for validation."""

from __future__ import annotations

from functools import partial

from segue.convert.dataset import Converter, Plan
from segue.convert.pictures import foreground_png, image_png


def plan(plan: Plan) -> None:
    """Images and manual masks; the test set as it is handed out today has none."""
    for theirs, ours in (("training", "training"), ("test", "validation")):
        images = plan.by_name(
            plan.find(f"images of {theirs}", f"{theirs}/images/*_{theirs}.tif"), lambda member: member.stem[:2]
        )
        plan.expect(20, len(images), f"images of {theirs}")
        for key, member in images.items():
            plan.file(f"images/{ours}/{key}.png", partial(image_png, member))
        for folder, end in (("1st_manual", "manual1"), ("2nd_manual", "manual2")):
            must = (theirs, folder) == ("training", "1st_manual")
            found = plan.find(f"masks of {theirs}", f"{theirs}/{folder}/*_{end}.gif", optional=not must)
            masks = plan.by_name(found, lambda member: member.stem[:2])
            if not masks and (theirs, folder) == ("test", "1st_manual"):
                plan.notes.append(
                    "test/1st_manual is not there, as in the archive that is handed out today: without annotations "
                    "for validation, test and validate on a part of the training images"
                )
            for key, _, mask in plan.pairs(images, masks) if masks else ():
                plan.file(f"annotations/{ours}/{key}_{end}.png", partial(foreground_png, mask))


CONVERTER = Converter(
    title="DRIVE",
    dataset="DRIVEDataset",
    page="https://drive.grand-challenge.org",
    download="training.zip and test.zip",
    layout="training/images/21_training.tif, training/1st_manual/21_manual1.gif, test/images/01_test.tif ...",
    makes="{images,annotations}/{training,validation}: 20 images each, masks of 0 and 1",
    folder="DRIVE",
    plan=plan,
)
