"""Cityscapes: outlines of objects drawn as the 19 classes that are evaluated."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
from PIL import Image, ImageDraw

from segue.convert.dataset import Converter, Plan
from segue.convert.members import Member
from segue.convert.pictures import png
from segue.datasets.cityscapes import CLASSES
from segue.errors import DataError

#: Drawn, but not evaluated.
VOID = (
    *("unlabeled", "ego vehicle", "rectification border", "out of roi", "static", "dynamic", "ground", "parking"),
    *("rail track", "guard rail", "bridge", "tunnel", "polegroup", "caravan", "trailer"),
)
#: Not drawn: what is below stays.
SKIPPED = ("license plate",)
IDS = {**dict.fromkeys(VOID, 255), **{name: index for index, name in enumerate(CLASSES)}}
_MOST_PIXELS = 1 << 27


def plan(plan: Plan) -> None:
    """Label maps, lists of the splits, and images and label ids as they are."""
    found = plan.find("outlines", "gtFine/*/*/*_gtFine_polygons.json", "gtCoarse/*/*/*_gtCoarse_polygons.json")
    kind = found[0].folders[-3]
    outlines = plan.by_name(found, lambda member: "/".join(member.path.split("/")[-4:]))
    lists: dict[str, list[str]] = {}
    for path, member in outlines.items():
        _, split, city, name = path.split("/")
        lists.setdefault(split, []).append(f"{city}/{name.removesuffix(f'_{kind}_polygons.json')}")
        plan.file(path.replace("_polygons.json", "_labelTrainIds.png"), partial(_label_map, member))
    if kind == "gtFine":
        for split, stems in lists.items():
            plan.file(f"{split}.txt", "".join(f"{stem}\n" for stem in sorted(stems)).encode)
    for pattern in (f"{kind}/*/*/*_{kind}_labelIds.png", "leftImg8bit/*/*/*_leftImg8bit.png"):
        for member in plan.find(pattern, pattern, optional=True):
            plan.copy(member, "/".join(member.path.split("/")[-4:]))
    missing = [
        f"{split}/{stem}"
        for split, stems in lists.items()
        for stem in stems
        if f"leftImg8bit/{split}/{stem}_leftImg8bit.png" not in plan.jobs
    ]
    if missing:
        plan.notes.append(
            f"{len(missing)} of {len(outlines)} outlines have no image, such as {missing[0]}: give the images too "
            "(leftImg8bit_trainvaltest.zip), or put them into leftImg8bit/ beside the label maps"
        )


def _label_map(member: Member) -> bytes:
    """Objects over one another in the order of the file, as Cityscapes' own scripts draw them."""
    try:
        data = json.loads(member.text())
        width, height, objects = data["imgWidth"], data["imgHeight"], data["objects"]
        shapes = [(item["label"], [(x, y) for x, y in item["polygon"]], item.get("deleted", 0)) for item in objects]
        if not 0 < width * height <= _MOST_PIXELS:
            raise ValueError(f"an image of {width} x {height} pixels")
        canvas = Image.new("L", (width, height), 255)
        draw = ImageDraw.Draw(canvas)
        for label, polygon, deleted in shapes:
            name = label if label in IDS or label in SKIPPED else label.removesuffix("group")
            if deleted or name in SKIPPED:
                continue
            if name not in IDS:
                raise ValueError(f"the label {label!r} is none of Cityscapes'")
            draw.polygon(polygon, fill=IDS[name])
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise DataError(f"{member.where}: no outlines of Cityscapes: {type(error).__name__}: {error}") from error
    return png(np.asarray(canvas))


CONVERTER = Converter(
    title="Cityscapes",
    dataset="CityscapesDataset",
    page="https://www.cityscapes-dataset.com",
    download="leftImg8bit_trainvaltest.zip and gtFine_trainvaltest.zip (or gtCoarse.zip)",
    layout="gtFine/train/aachen/aachen_000000_000019_gtFine_polygons.json, leftImg8bit/train/aachen/... ",
    makes="gtFine/*/*/*_gtFine_labelTrainIds.png and {train,val,test}.txt: 2975, 500 and 1525 images, labels 0..18",
    folder="cityscapes",
    plan=plan,
    in_place=True,
)
