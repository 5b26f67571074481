"""PASCAL Context: the scenes of VOC 2010, 59 classes and background; the 59-class version reads the same files."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import numpy as np

from segue.convert.dataset import Converter, Plan
from segue.convert.members import Member
from segue.convert.pictures import matlab_labels, png
from segue.errors import DataError
from segue.masks.rle import decode_rle

#: Ids of the 59 classes among the 459 categories that are annotated, in the order of the classes.
CATEGORIES = (
    *(2, 9, 18, 19, 22, 23, 25, 31, 33, 34, 44, 45, 46, 59, 65, 68, 72, 80, 85, 98, 104, 105, 113, 115, 144, 158, 159),
    *(162, 187, 189, 207, 220, 232, 258, 259, 260, 284, 295, 296, 308, 324, 326, 347, 349, 354, 355, 360, 366, 368),
    *(397, 415, 416, 420, 424, 427, 440, 445, 454, 458),
)
IDS = {category: index for index, category in enumerate(CATEGORIES, 1)}
_VOC = "VOC2010"
_MOST_PIXELS = 1 << 26


def plan(plan: Plan) -> None:
    """Images, label maps, and lists of the splits, from the merged JSON file or from MATLAB files."""
    images = plan.by_name(plan.find("images", f"{_VOC}/JPEGImages/*.jpg"), lambda member: member.stem)
    merged = plan.find("annotations", "trainval_merged.json", optional=True)
    splits = _of_json(plan, merged[0]) if merged else _of_matlab(plan)
    plan.expect(10103, sum(len(names) for names in splits.values()), "annotated images")
    for split, names in splits.items():
        for name, by in names.items():
            plan.copy(plan.listed(images, name, by), f"{_VOC}/JPEGImages/{name}.jpg")
        text = "".join(f"{name}\n" for name in sorted(names))
        plan.file(f"{_VOC}/ImageSets/SegmentationContext/{split}.txt", text.encode)


def _target(name: str) -> str:
    return f"{_VOC}/SegmentationClassContext/{name}.png"


def _of_json(plan: Plan, member: Member) -> dict[str, dict[str, Member]]:
    """Run lengths of each category of each image, and the split of each image."""
    splits: dict[str, dict[str, Member]] = {"train": {}, "val": {}}
    try:
        data = json.loads(member.text())
        regions: dict[Any, list[Any]] = {image["image_id"]: [] for image in data["images"]}
        for region in data["annos_segmentation"]:
            regions[region["image_id"]].append((region["category_id"], region["segmentation"]))
        for image in data["images"]:
            name = image["file_name"].removesuffix(".jpg")
            height, width = image["height"], image["width"]
            if not 0 < height * width <= _MOST_PIXELS:
                raise ValueError(f"an image of {width} x {height} pixels")
            splits[image["phase"]][name] = member
            where = f"{member.where}: {name}"
            plan.file(_target(name), partial(_draw, regions[image["image_id"]], (height, width), where))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{member.where}: not the annotations of PASCAL Context: {type(error).__name__}: {error}"
        ) from error
    return splits


def _draw(regions: list[Any], size: tuple[int, int], where: str) -> bytes:
    labels = np.zeros(size, np.uint8)
    for category, region in regions:
        labels[decode_rle(region, size, where)] = IDS.get(category, 0)
    return png(labels)


def _of_matlab(plan: Plan) -> dict[str, dict[str, Member]]:
    """One matrix of categories for each image; the splits are those of VOC."""
    found = plan.find("annotations", "trainval_merged.json", "trainval/*.mat")
    matrices = plan.by_name(found, lambda member: member.stem)
    splits = {}
    for split in ("train", "val"):
        [listing] = plan.by_name(
            plan.find(f"list of {split}", f"{_VOC}/ImageSets/Main/{split}.txt"), lambda member: member.name
        ).values()
        splits[split] = dict.fromkeys(listing.text().split(), listing)
        for name in splits[split]:
            plan.file(_target(name), partial(_categories, plan.listed(matrices, name, listing)))
    return splits


def _categories(member: Member) -> bytes:
    stored = matlab_labels(member, "LabelMap")
    labels = np.zeros(stored.shape, np.uint8)
    for category, index in IDS.items():
        labels[stored == category] = index
    return png(labels)


CONVERTER = Converter(
    title="Pascal Context",
    dataset="PascalContextDataset",
    page="https://cs.stanford.edu/~roozbeh/pascal-context",
    download="VOCtrainval_03-May-2010.tar, and trainval_merged.json or trainval.tar.gz",
    layout="VOC2010/JPEGImages, and trainval/*.mat or the JSON file",
    makes="VOC2010/SegmentationClassContext and ImageSets/SegmentationContext: 4998 and 5105 images, labels 0..59",
    folder="VOCdevkit",
    plan=plan,
    in_place=True,
    also=("Pascal Context 59",),
)
