"""COCO-Stuff 10k: 9000 images for training, 1000 for testing, labels in MATLAB files."""

from __future__ import annotations

from functools import partial

from segue.convert.dataset import Converter, Plan
from segue.convert.pictures import renumbered_png

#: Ids of COCO that no image uses; the others, from 0 (unlabeled) to 182, move together.
UNUSED = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83, 91)
IDS = {old: new for new, old in enumerate(old for old in range(183) if old not in UNUSED)}


def plan(plan: Plan) -> None:
    """Images and label maps by the owners' lists."""
    images = {member.stem: member for member in plan.find("images", "images/*.jpg")}
    marked = plan.by_name(plan.find("annotations", "annotations/*.mat"), lambda member: member.stem)
    for split, whole in (("train", 9000), ("test", 1000)):
        [listed] = plan.by_name(plan.find(f"list {split}", f"imageLists/{split}.txt"), lambda m: m.name).values()
        wanted = listed.text().split()
        plan.expect(whole, len(wanted), f"images in imageLists/{split}.txt")
        for stem in wanted:
            member, mask = (plan.listed(found, stem, listed) for found in (images, marked))
            plan.copy(member, f"images/{split}2014/{stem}.jpg")
            plan.file(f"annotations/{split}2014/{stem}_labelTrainIds.png", partial(renumbered_png, mask, IDS, "S"))


CONVERTER = Converter(
    title="COCO-Stuff 10k",
    dataset="COCOStuffDataset",
    page="https://github.com/nightrome/cocostuff10k",
    download="cocostuff-10k-v1.1.zip",
    layout="images/*.jpg, annotations/*.mat, imageLists/train.txt and test.txt",
    makes="{images,annotations}/{train2014,test2014}: 9000 and 1000 images, labels 1..171, 0 for unlabeled",
    in_place=True,
    folder="coco_stuff10k",
    plan=plan,
)
