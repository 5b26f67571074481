"""CVAT for images: one XML file with the shapes of many images.

https://docs.cvat.ai/docs/manual/advanced/formats/format-cvat. Polygons, masks (run lengths along the rows of a
rectangle) and ellipses are drawn in the order of ``z_order``, within one order as they come.
"""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import numpy as np

from segue.errors import DataError
from segue.images.read import read_bytes
from segue.masks.documents import points_of
from segue.masks.draw import Patch, polygon
from segue.masks.listed import Entry, ListedReader, Region, name_in, stored_picture
from segue.masks.names import BACKGROUND, VOID
from segue.masks.shapes import ellipse, number, rectangle
from segue.masks.size import check_size

_DRAWN = ("polygon", "mask", "ellipse", "box")


class CvatReader(ListedReader):
    """Polygons, masks, ellipses, and boxes as ``boxes`` says."""

    format = "cvat"

    @classmethod
    def entries(cls, path: str) -> list[Entry]:
        """The images with their shapes."""
        found = []
        for i, image in enumerate(_root(path).iter("image")):
            where = f"{path}: image {i}"
            size = check_size(_whole(image.get("height")), _whole(image.get("width")), where)
            entry = Entry(name_in(image.get("name"), where), [], size)
            shapes = [shape for shape in image if shape.tag != "tag"]
            for k, shape in enumerate(shapes):
                label = shape.get("label")
                if not label:
                    raise DataError(f"{where}: shape {k} has no label")
                at = f"{path}#{entry.name}: {shape.tag} {k} ({label})"
                entry.regions.append(Region(label, at, shape, shape.tag == "box"))
            entry.regions.sort(key=lambda region: number(region.data.get("z_order", 0), region.where, "z_order"))
            found.append(entry)
        return found

    def draw(self, region: Region, size: tuple[int, int]) -> Patch:
        """The pixels of a shape."""
        shape, where = region.data, region.where
        if shape.tag == "polygon":
            return polygon([_points(shape.get("points"), where)], size)
        if shape.tag == "mask":
            return _mask(shape, size, where)
        turn = number(shape.get("rotation", 0), where, "rotation")
        if shape.tag == "box":
            left, top, right, bottom = (number(shape.get(k), where, k) for k in ("xtl", "ytl", "xbr", "ybr"))
            return rectangle(left, top, right, bottom, size, turn)
        if shape.tag == "ellipse":
            x, y = (number(shape.get(k), where, k) for k in ("cx", "cy"))
            rx, ry = (number(shape.get(k), where, k, 0) for k in ("rx", "ry"))
            return ellipse(x, y, rx, ry, size, turn)
        raise DataError(
            f"{where}: a {shape.tag} covers no pixels; {', '.join(_DRAWN)} do. CVAT's export 'Segmentation mask 1.1' "
            "leaves the others out"
        )

    @classmethod
    def labels_in(cls, paths: Any) -> tuple[str, ...]:
        """The labels of the project in its order, or those in use."""
        found: dict[str, None] = {}
        for path in paths:
            labels = [label.findtext("name") or "" for label in _root(path).iter("label")]
            found |= dict.fromkeys(label for label in labels if label)
        named = tuple(label for label in found if label.lower() not in BACKGROUND + VOID)
        return named or super().labels_in(paths)


def is_cvat(data: bytes) -> bool:
    """Whether the beginning of a file looks like CVAT's XML, not like the boxes of VOC."""
    return b"<annotations" in data[:2048]


def _root(path: str) -> ElementTree.Element:
    data = read_bytes(path)
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise DataError(f"{path}: an XML file of annotations has no document type and no entities")
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise DataError(f"{path}: is not XML ({error})") from error
    if root.tag != "annotations":
        raise DataError(f"{path}: its XML is <{root.tag}>, not the <annotations> of 'CVAT for images 1.1'")
    if root.find("track") is not None:
        raise DataError(
            f"{path}: holds tracks of a video; export the task as 'CVAT for images 1.1' "
            "or 'Segmentation mask 1.1', which have every frame"
        )
    return root


def _whole(text: str | None) -> object:
    return int(text) if text is not None and text.isdigit() and len(text) < 10 else text


def _points(text: str | None, where: str) -> Any:
    pairs = [part.split(",") for part in (text or "").split(";") if part.strip()]
    try:
        return points_of([[float(x) for x in pair] for pair in pairs], where)
    except ValueError:
        raise DataError(f"{where}: points are 'x,y;x,y;...', got {text!r:.60}") from None


def _mask(shape: ElementTree.Element, size: tuple[int, int], where: str) -> Patch:
    left, top = (round(number(shape.get(key), where, key)) for key in ("left", "top"))
    height, width = check_size(_whole(shape.get("height")), _whole(shape.get("width")), where)
    if height > 4 * size[0] or width > 4 * size[1]:
        raise DataError(
            f"{where}: a mask of {width} x {height} pixels is larger than its image of {size[1]} x {size[0]}"
        )
    try:
        counts = [int(part) for part in (shape.get("rle") or "").split(",")]
    except ValueError:
        raise DataError(f"{where}: rle is 'count, count, ...', got {shape.get('rle')!r:.60}") from None
    if min(counts) < 0 or sum(counts) != height * width:
        raise DataError(f"{where}: its run lengths make {sum(counts)} pixels, its rectangle has {height * width}")
    covered = np.repeat(np.arange(len(counts)) % 2 == 1, counts).reshape(height, width)
    return stored_picture(covered, left, top, size, where)
