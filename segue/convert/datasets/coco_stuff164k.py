"""COCO-Stuff 164k: the images of COCO 2017 with things and stuff."""

from __future__ import annotations

from functools import partial

from segue.convert.dataset import Converter, Plan
from segue.convert.pictures import renumbered_png

#: Ids that no image uses; the others, from 0 to 181, move together. 255 is unlabeled.
UNUSED = (11, 25, 28, 29, 44, 65, 67, 68, 70, 82, 90)
IDS = {**{old: new for new, old in enumerate(old for old in range(182) if old not in UNUSED)}, 255: 255}
_DONE = "_labeltrainids.png"


def plan(plan: Plan) -> None:
    """Images as they are, label maps renumbered; in the folder of the images itself only these are added."""
    for split, whole in (("train2017", 118287), ("val2017", 5000)):
        images = plan.by_name(plan.find(f"images of {split}", f"{split}/**/*.jpg"), lambda member: member.stem)
        plan.expect(whole, len(images), f"images of {split}")
        found = plan.find(f"label maps of {split}", f"{split}/**/*.png")
        masks = plan.by_name([m for m in found if not m.name.lower().endswith(_DONE)], lambda member: member.stem)
        for key, member, mask in plan.pairs(images, masks, "label map"):
            plan.copy(member, f"images/{split}/{key}.jpg")
            plan.file(f"annotations/{split}/{key}_labelTrainIds.png", partial(renumbered_png, mask, IDS))


CONVERTER = Converter(
    title="COCO-Stuff 164k",
    dataset="COCOStuffDataset",
    page="https://github.com/nightrome/cocostuff",
    download="train2017.zip, val2017.zip and stuffthingmaps_trainval2017.zip",
    layout="train2017/*.jpg and *.png, val2017/*.jpg and *.png",
    makes="{images,annotations}/{train2017,val2017}: 118287 and 5000 images, labels 0..170, 255 for unlabeled",
    in_place=True,
    folder="coco_stuff164k",
    plan=plan,
)
