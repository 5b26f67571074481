"""Supervisely: a folder ``ann`` beside ``img`` with a JSON file per image, called like it with ``.json`` behind.

https://docs.supervisely.com/customization-and-integration/00_ann_format_navi. Objects are drawn in their order:
polygons with holes, bitmaps (a packed PNG at an origin) and rectangles.
"""

from __future__ import annotations

import base64
import binascii
import io
import os
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from segue.errors import DataError
from segue.images.pixels import pillow_pixels
from segue.images.read import Array
from segue.masks.documents import list_of, points_of, read_json
from segue.masks.draw import Patch, polygon
from segue.masks.listed import Boxes, Region, check_boxes, paint_regions, sorted_labels, stored_picture
from segue.masks.names import BACKGROUND, VOID, Names
from segue.masks.reader import MaskReader
from segue.masks.shapes import number, rectangle
from segue.masks.size import check_size

_MOST = 1 << 26  # bytes of a packed picture


class SuperviselyReader(MaskReader):
    """Polygons, bitmaps, and rectangles.

    Args:
        root: folder of the files.
        names: classes.
        boxes: what rectangles become: their class (``draw``), unlabeled (``ignore``) or an ``error``.
    """

    format = "supervisely"

    def __init__(self, root: str, names: Names | None = None, boxes: Boxes = "draw") -> None:
        super().__init__(root, names)
        check_boxes(boxes)
        self.boxes = boxes

    def place(self, image: str) -> str:
        """The file of the image's whole name, or of its name without suffix."""
        whole = os.path.join(self.root, f"{image}.json")
        plain = os.path.join(self.root, f"{os.path.splitext(image)[0]}.json")
        return plain if os.path.exists(plain) and not os.path.exists(whole) else whole

    def read(self, place: str, image: str) -> Array:
        """(H, W) class ids."""
        data = read_json(place)
        stated = data.get("size") if isinstance(data, dict) else None
        stated = stated if isinstance(stated, dict) else {}
        size = check_size(stated.get("height"), stated.get("width"), place)
        regions = list(_regions(data, place))
        return paint_regions(regions, self._draw, self.names, size, place, self.boxes, self.format)

    def _draw(self, region: Region, size: tuple[int, int]) -> Patch:
        item, where = region.data, region.where
        kind = item.get("geometryType") or ("bitmap" if item.get("bitmap") else "polygon")
        if kind == "bitmap":
            return _bitmap(item.get("bitmap"), size, where)
        points = item.get("points") if isinstance(item.get("points"), dict) else {}
        if kind == "rectangle":
            corners = points_of(points.get("exterior"), where, 2)
            (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
            return rectangle(left, top, right, bottom, size)
        if kind == "polygon":
            holes = [points_of(ring, f"{where}: hole {i}") for i, ring in enumerate(points.get("interior") or ())]
            outer = polygon([points_of(points.get("exterior"), where)], size)
            covered = np.zeros(size, np.bool_)
            outer.paint(covered, True)
            for hole in holes:
                polygon([hole], size).paint(covered, False)
            return Patch(0, 0, covered)
        raise DataError(f"{where}: a {kind} covers no pixels; polygon, bitmap and rectangle do")

    @classmethod
    def labels_in(cls, paths: Sequence[str]) -> tuple[str, ...]:
        """The classes of the project's meta.json in its order, else those in use."""
        for path in paths[:1]:
            folder = os.path.dirname(os.path.abspath(path))
            for _ in range(3):
                meta = os.path.join(folder, "meta.json")
                if os.path.isfile(meta):
                    titles = [str(item.get("title")) for item in list_of(read_json(meta), "classes", meta)]
                    return tuple(title for title in titles if title.lower() not in BACKGROUND + VOID)
                folder = os.path.dirname(folder)
        return sorted_labels(region.label for path in paths for region in _regions(read_json(path), path))


def is_supervisely(data: Any) -> bool:
    """Whether a JSON value looks like an annotation of Supervisely."""
    objects = data.get("objects") if isinstance(data, dict) else None
    return isinstance(objects, list) and isinstance(data.get("size"), dict) and "height" in data["size"]


def _regions(data: Any, place: str) -> list[Region]:
    found = []
    for i, item in enumerate(list_of(data, "objects", place)):
        label = item.get("classTitle") if isinstance(item, dict) else None
        if not isinstance(label, str) or not label:
            raise DataError(f"{place}: object {i}: has no classTitle")
        box = item.get("geometryType") == "rectangle"
        found.append(Region(label, f"{place}: object {i} ({label})", item, box))
    return found


def _bitmap(bitmap: Any, size: tuple[int, int], where: str) -> Patch:
    origin = bitmap.get("origin") if isinstance(bitmap, dict) else None
    if not isinstance(origin, list) or len(origin) != 2:
        raise DataError(f"{where}: its bitmap has no origin [x, y]")
    try:
        stream = zlib.decompressobj()
        data = stream.decompress(base64.b64decode(bitmap.get("data"), validate=True), _MOST)
    except (binascii.Error, TypeError, ValueError, zlib.error) as error:
        raise DataError(f"{where}: its bitmap cannot be unpacked: {error}") from error
    with Image.open(io.BytesIO(data)) as header:
        if header.width > size[1] + 1 or header.height > size[0] + 1:
            raise DataError(f"{where}: its bitmap of {header.width} x {header.height} is larger than the image")
    picture = pillow_pixels(data, where)
    picture = picture.getchannel("A") if "A" in picture.getbands() else picture.convert("L")
    left, top = (round(number(value, where, "origin")) for value in origin)
    return stored_picture(np.asarray(picture) > 0, left, top, size, where)
