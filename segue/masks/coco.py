"""COCO: one JSON file with the annotations of many images, as polygons or run lengths.

https://cocodataset.org/#format-data. Coordinates are pixels from the outer corner of the first one. The polygons of one
annotation are one region. Where annotations overlap the smaller one is on top, and of equal ones the later; crowds
(``iscrowd``) lie below everything else. Categories are classes by their names, whatever their ids are.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from segue.errors import DataError, InputError
from segue.images.read import Array
from segue.masks.documents import flat_points, inside, list_of, read_json
from segue.masks.draw import Patch, polygon
from segue.masks.listed import Boxes, check_boxes
from segue.masks.names import BACKGROUND, VOID, Names
from segue.masks.reader import MaskReader
from segue.masks.rle import decode_rle
from segue.masks.shapes import number, rectangle
from segue.masks.size import check_size


@dataclass
class _Index:
    """The file, arranged by image. ``text`` holds the annotations of image i from byte starts[i] to starts[i + 1]: as
    one block of bytes it is shared by processes, which lists of Python objects are not.
    """

    sizes: dict[str, tuple[int, int]]
    order: dict[str, int]
    categories: dict[int, str]
    text: bytes
    starts: Array
    boxes: int


class CocoReader(MaskReader):
    """Regions of named categories; images without annotations are background.

    Args:
        root: the file.
        names: classes.
        crowd: what regions of ``iscrowd`` become: their ``class``, or ``ignore`` for unlabeled.
        boxes: what annotations become that have a box only: an ``error``, unlabeled (``ignore``) or their class
            (``draw``).
    """

    format = "coco"
    lists_images = True

    def __init__(
        self,
        root: str,
        names: Names | None = None,
        crowd: Literal["class", "ignore"] = "class",
        boxes: Boxes = "error",
    ) -> None:
        super().__init__(root, names)
        check_boxes(boxes)
        self.boxes = boxes
        if crowd not in ("class", "ignore"):
            raise InputError(f"mask_format: crowd must be 'class' or 'ignore', got {crowd!r}")
        self.crowd = crowd
        self._index: _Index | None = None

    def listed(self) -> Sequence[str]:
        """All images of the file."""
        return list(self._read().order)

    def place(self, image: str) -> str:
        """The file, and which image in it."""
        return f"{self.root}#{image}"

    def files(self, place: str, image: str) -> tuple[str, ...]:
        """The one file."""
        return (self.root,)

    def read(self, place: str, image: str) -> Array:
        """(H, W) class ids."""
        index = self._read()
        name = place[len(self.root) + 1 :]
        if name not in index.order:
            raise DataError(f"{self.root}: has no image {name!r}")
        number = index.order[name]
        annotations = json.loads(index.text[index.starts[number] : index.starts[number + 1]])
        size = index.sizes[name]
        found = []
        boxes = sum("bbox" in annotation for annotation in annotations)
        if boxes and self.boxes == "error":
            raise DataError(
                f"{place}: {boxes} of its {len(annotations)} annotations have no segmentation, only a box, as have "
                f"{index.boxes} in the whole file; mask_format=dict(type='coco', boxes='ignore') leaves the pixels "
                "inside unlabeled, boxes='draw' makes them the class"
            )
        for annotation in annotations:
            where = f"{place}: annotation {annotation['id']}"
            category = index.categories[annotation["category_id"]]
            if "bbox" in annotation:
                patch, void = _box(annotation["bbox"], size, where), self.boxes == "ignore"
                found.append((not void, -patch.area, category, void, patch, void))
                continue
            patch = _region(annotation["segmentation"], size, where)
            crowd = bool(annotation["iscrowd"])
            found.append((not crowd, -patch.area, category, crowd, patch, crowd and self.crowd == "ignore"))
        mask = self.names.blank(size)
        ids = self.names.ids(Counter(region[2] for region in found), place)
        for _, _, category, _, patch, void in sorted(found, key=lambda region: region[:2]):
            patch.paint(mask, self.names.ignore if void else ids[category])
        return mask

    def _read(self) -> _Index:
        if self._index is None:
            data = read_json(self.root)
            self._index = _arranged(data, self.root)
            if self._names is not None:  # all of them at once, rather than one image at a time
                used = Counter(a.get("category_id") for a in data["annotations"])
                self._names.ids({self._index.categories[key]: n for key, n in used.items()}, self.root)
        return self._index

    @classmethod
    def labels_in(cls, paths: Sequence[str]) -> tuple[str, ...]:
        """The categories in the order of their ids, without one that only heads the others, as Roboflow writes it."""
        found: dict[str, None] = {}
        left_out: list[set[str]] = []
        for path in paths:
            data = read_json(path)
            categories = _categories(data, path)
            found |= dict.fromkeys(categories[key] for key in sorted(categories))
            left_out.append(_placeholders(data, categories))
        for name in set.intersection(*left_out) if left_out else ():
            del found[name]
        return tuple(name for name in found if name.lower() not in BACKGROUND + VOID)


def is_coco(data: Any) -> bool:
    """Whether a JSON value looks like a COCO file."""
    return isinstance(data, dict) and all(isinstance(data.get(key), list) for key in ("images", "annotations"))


def _categories(data: Any, path: str) -> dict[int, str]:
    found: dict[int, str] = {}
    for i, category in enumerate(list_of(data, "categories", path)):
        number, name = (category.get("id"), category.get("name")) if isinstance(category, dict) else (None, None)
        if not isinstance(number, int) or not isinstance(name, str) or not name:
            raise DataError(f"{path}: category {i} needs an 'id' (a number) and a 'name'")
        if number in found:
            raise DataError(f"{path}: two categories have the id {number}: {found[number]!r} and {name!r}")
        found[number] = name
    return found


def _placeholders(data: Any, categories: Mapping[int, str]) -> set[str]:
    """Categories that no annotation has and that are the supercategory of another."""
    used = {annotation.get("category_id") for annotation in data["annotations"] if isinstance(annotation, dict)}
    above = {category.get("supercategory") for category in data["categories"] if category["id"] in used}
    return {name for number, name in categories.items() if number not in used and name in above}


def _arranged(data: Any, path: str) -> _Index:
    categories = _categories(data, path)
    sizes: dict[str, tuple[int, int]] = {}
    numbers: dict[Any, str] = {}
    for i, image in enumerate(list_of(data, "images", path)):
        where = f"{path}: image {i}"
        if not isinstance(image, dict) or not isinstance(image.get("id"), (int, str)):
            raise DataError(f"{where}: has no id")
        name = inside(image.get("file_name"), where)
        if name in sizes or image["id"] in numbers:
            raise DataError(f"{where}: the name {name!r} or the id {image['id']!r} is there twice")
        sizes[name] = check_size(image.get("height"), image.get("width"), f"{where} ({name})")
        numbers[image["id"]] = name
    boxes = 0
    by_image: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for i, annotation in enumerate(list_of(data, "annotations", path)):
        where = f"{path}: annotation {i}"
        if not isinstance(annotation, dict) or not _known(annotation.get("image_id"), numbers):
            raise DataError(f"{where}: its image_id is that of no image")
        if not _known(annotation.get("category_id"), categories):
            raise DataError(f"{where}: its category_id {annotation.get('category_id')!r} is that of no category")
        shape = "segmentation" if annotation.get("segmentation") else "bbox"
        if shape == "bbox" and not annotation.get("bbox"):
            raise DataError(f"{where}: has neither a segmentation nor a box")
        boxes += shape == "bbox"
        kept = {"id": annotation.get("id", i), "iscrowd": bool(annotation.get("iscrowd"))}
        kept |= {key: annotation[key] for key in ("category_id", shape)}
        by_image[numbers[annotation["image_id"]]].append(kept)
    parts = [json.dumps(by_image[name], separators=(",", ":")).encode() for name in sizes]
    starts = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
    order = {name: i for i, name in enumerate(sizes)}
    return _Index(sizes, order, categories, b"".join(parts), starts, boxes)


def _known(key: Any, there: Mapping[Any, str]) -> bool:
    """Whether an id is one, whatever the file has in its place."""
    return isinstance(key, (int, str)) and key in there


def _box(box: Any, size: tuple[int, int], where: str) -> Patch:
    if not isinstance(box, list) or len(box) != 4:
        raise DataError(f"{where}: a box is [x, y, width, height]")
    x, y, width, height = (number(value, where, "its box") for value in box)
    return rectangle(x, y, x + width, y + height, size)


def _region(segmentation: Any, size: tuple[int, int], where: str) -> Patch:
    if isinstance(segmentation, dict):
        return Patch(0, 0, decode_rle(segmentation, size, where))
    if not isinstance(segmentation, list):
        raise DataError(f"{where}: a segmentation is a list of polygons or a run-length mask")
    patches = [polygon([flat_points(part, f"{where}: polygon {i}")], size) for i, part in enumerate(segmentation)]
    if len(patches) == 1:
        return patches[0]
    covered = np.zeros(size, np.bool_)
    for patch in patches:
        patch.paint(covered, True)
    return Patch(0, 0, covered)
