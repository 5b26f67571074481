"""ISAT: a JSON file per image with polygons in layers.

https://github.com/yatengLG/ISAT_with_segment_anything. Higher layers lie on top, within one layer later ones.
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
from segue.masks.shapes import number
from segue.masks.size import check_size


class IsatReader(MaskReader):
    """Polygons of categories.

    Args:
        root: folder of the files.
        names: classes.
    """

    format = "isat"
    suffixes = (".json",)

    def read(self, place: str, image: str) -> Array:
        """(H, W) class ids."""
        data = read_json(place)
        info = data.get("info") if isinstance(data, dict) else None
        info = info if isinstance(info, dict) else {}
        size = check_size(info.get("height"), info.get("width"), place)
        regions = _regions(data, place)
        regions.sort(key=lambda region: number(region.data.get("layer", 0), region.where, "layer"))
        return paint_regions(regions, _draw, self.names, size, place, "draw", self.format)

    @classmethod
    def labels_in(cls, paths: Sequence[str]) -> tuple[str, ...]:
        """All categories, in alphabetical order."""
        return sorted_labels(region.label for path in paths for region in _regions(read_json(path), path))


def is_isat(data: Any) -> bool:
    """Whether a JSON value looks like a file of ISAT."""
    info = data.get("info") if isinstance(data, dict) else None
    return isinstance(info, dict) and isinstance(data.get("objects"), list) and "width" in info


def _draw(region: Region, size: tuple[int, int]) -> Patch:
    return polygon([points_of(region.data.get("segmentation"), region.where)], size)


def _regions(data: Any, place: str) -> list[Region]:
    found = []
    for i, item in enumerate(list_of(data, "objects", place)):
        label = item.get("category") if isinstance(item, dict) else None
        if not isinstance(label, str) or not label:
            raise DataError(f"{place}: object {i}: has no category")
        found.append(Region(label, f"{place}: object {i} ({label})", item))
    return found
