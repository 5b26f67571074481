"""PASCAL VOC 2012 with the additional labels of SBD: 10582 images for training."""

from __future__ import annotations

from functools import partial

from segue.convert.dataset import Converter, Plan
from segue.convert.members import Member
from segue.convert.pictures import renumbered_png

IDS = {**{value: value for value in range(21)}, 255: 255}
_VOC = "VOC2012"


def plan(plan: Plan) -> None:
    """VOC's images and masks, SBD's masks beside them, and the lists of both together."""
    names = {
        (where, split): _names(plan, f"{folder}/{split}.txt")
        for where, folder in (("voc", f"{_VOC}/ImageSets/Segmentation"), ("sbd", "dataset"))
        for split in ("train", "val")
    }
    images = plan.by_name(plan.find("images", f"{_VOC}/JPEGImages/*.jpg"), lambda member: member.stem)
    masks = plan.by_name(plan.find("masks of VOC", f"{_VOC}/SegmentationClass/*.png"), lambda member: member.stem)
    more = plan.by_name(plan.find("masks of SBD", "dataset/cls/*.mat"), lambda member: member.stem)
    train, val = (names["voc", split] for split in ("train", "val"))
    both = {**names["sbd", "train"], **names["sbd", "val"]}
    trainaug = {name: by for name, by in {**both, **train}.items() if name not in val}
    plan.expect(10582, len(trainaug), "images for training")
    for name, by in {**val, **trainaug}.items():
        plan.copy(plan.listed(images, name, by), f"{_VOC}/JPEGImages/{name}.jpg")
    for name, by in {**train, **val}.items():
        plan.copy(plan.listed(masks, name, by), f"{_VOC}/SegmentationClass/{name}.png")
    for name, by in {**train, **both}.items():
        target = f"{_VOC}/SegmentationClassAug/{name}.png"
        if name in more or name not in train:
            plan.file(target, partial(renumbered_png, plan.listed(more, name, by), IDS, "GTcls.Segmentation"))
        else:  # labeled for VOC only
            plan.file(target, plan.listed(masks, name, by).read)
    for listing in plan.find("lists of VOC", f"{_VOC}/ImageSets/Segmentation/*.txt"):
        if listing.stem in ("train", "val", "trainval"):
            plan.copy(listing, f"{_VOC}/ImageSets/Segmentation/{listing.name}")
    for listed, names_on_it in (("trainaug", sorted(trainaug)), ("aug", sorted(set(trainaug) - set(train)))):
        text = "".join(f"{name}\n" for name in names_on_it)
        plan.file(f"{_VOC}/ImageSets/Segmentation/{listed}.txt", text.encode)


def _names(plan: Plan, pattern: str) -> dict[str, Member]:
    """Names on a list, each with the list."""
    [listing] = plan.by_name(plan.find(f"list {pattern}", pattern), lambda member: member.name).values()
    return dict.fromkeys(listing.text().split(), listing)


CONVERTER = Converter(
    title="VOC aug",
    dataset="PascalVOCDataset",
    page="http://host.robots.ox.ac.uk/pascal/VOC/voc2012",
    download="VOCtrainval_11-May-2012.tar, and SBD's benchmark.tgz (Hariharan et al. 2011)",
    layout="VOC2012/{JPEGImages,SegmentationClass,ImageSets/Segmentation}, dataset/cls/*.mat, dataset/{train,val}.txt",
    makes="VOC2012/SegmentationClassAug and ImageSets/Segmentation/{trainaug,aug}.txt: 10582 images, labels 0..20",
    folder="VOCdevkit",
    plan=plan,
    in_place=True,
    also=("VOC12 aug", "VOC2012 aug", "SBD"),
)
