"""Cityscapes: ``*_gtFine_polygons.json`` per image, its objects from the farthest to the nearest.

https://github.com/mcordts/cityscapesScripts. A group, such as ``cargroup``, is of the class of its members.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from segue.errors import DataError
from segue.images.read import Array
from segue.masks.documents import list_of, points_of, read_json
from segue.masks.draw import Patch, polygon
from segue.masks.listed import Region, paint_regions, sorted_labels
from segue.masks.reader import MaskReader
from segue.masks.size import check_size

#: Labels of the dataset's own list that no class of its evaluation has; they are unlabeled.
UNLABELED = ("unlabeled", "ego vehicle", "rectification border", "out of roi", "static", "dynamic")


class CityscapesReader(MaskReader):
    """Polygons of labels; `UNLABELED` ones are ignored unless they are classes.

    Args:
        root: folder of the files.
        names: classes.
    """

    format = "cityscapes"
    suffixes = (".json",)

    def read(self, place: str, image: str) -> Array:
        """(H, W) class ids."""
        data = read_json(place)
        size = check_size(data.get("imgHeight"), data.get("imgWidth"), place)
        regions = _regions(data, place)
        for region in regions:
            if region.label in UNLABELED and region.label not in self.names.classes:
                region.label = "__ignore__"
        return paint_regions(regions, _draw, self.names, size, place, "draw", self.format)

    @classmethod
    def labels_in(cls, paths: Sequence[str]) -> tuple[str, ...]:
        """All labels but the unlabeled ones, in alphabetical order."""
        labels = (region.label for path in paths for region in _regions(read_json(path), path))
        return sorted_labels(label for label in labels if label not in UNLABELED)


def is_cityscapes(data: Any) -> bool:
    """Whether a JSON value looks like a file of Cityscapes' polygons."""
    return isinstance(data, dict) and "imgHeight" in data and isinstance(data.get("objects"), list)


def _draw(region: Region, size: tuple[int, int]) -> Patch:
    return polygon([points_of(region.data.get("polygon"), region.where)], size)


def _regions(data: Any, place: str) -> list[Region]:
    found = []
    for i, item in enumerate(list_of(data, "objects", place)):
        label = item.get("label") if isinstance(item, dict) else None
        if not isinstance(label, str) or not label:
            raise DataError(f"{place}: object {i}: has no label")
        if not item.get("deleted"):
            found.append(Region(label.removesuffix("group"), f"{place}: object {i} ({label})", item))
    return found
