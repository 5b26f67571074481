"""labelme: one JSON file per image with named shapes.

https://github.com/wkentaro/labelme. Points are in pixels, with (0, 0) at the outer corner of the first one. Shapes are
drawn in the order of the file, later ones over earlier ones. ``__ignore__`` is unlabeled, ``_background_`` background.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from segue.errors import DataError, InputError
from segue.images.read import Array
from segue.masks.decode import decode_mask
from segue.masks.documents import list_of, points_of, read_json
from segue.masks.draw import Patch, Points, line, polygon
from segue.masks.names import BACKGROUND, VOID, Names
from segue.masks.reader import MaskReader
from segue.masks.size import check_size, image_size

_LEAST = {"polygon": 3, "rectangle": 2, "circle": 2, "line": 2, "linestrip": 2, "point": 1, "points": 1, "mask": 2}


class LabelmeReader(MaskReader):
    """Shapes ``polygon``, ``rectangle``, ``circle``, ``line``, ``linestrip``, ``point``, ``points`` and ``mask``.

    Args:
        root: folder of the files.
        names: classes.
        line_width: pixels across lines; 10 as in labelme's own export.
        point_size: radius of points in pixels; 5 as there.
    """

    format = "labelme"
    suffixes = (".json",)

    def __init__(
        self, root: str, names: Names | None = None, line_width: float = 10.0, point_size: float = 5.0
    ) -> None:
        super().__init__(root, names)
        if not (line_width > 0 and point_size > 0):
            raise InputError(f"mask_format: line_width={line_width} and point_size={point_size} must be above 0")
        self.line_width = float(line_width)
        self.point_size = float(point_size)

    def read(self, place: str, image: str) -> Array:
        """(H, W) class ids."""
        data = read_json(place)
        shapes = list_of(data, "shapes", place)
        stated = data.get("imageHeight"), data.get("imageWidth")
        size = image_size(image) if None in stated else check_size(*stated, place)
        labels = Counter(_label(shape, f"{place}: shape {i}") for i, shape in enumerate(shapes))
        ids = self.names.ids(labels, place, "shapes")
        mask = self.names.blank(size)
        for i, shape in enumerate(shapes):
            self._patch(shape, size, f"{place}: shape {i} ({shape['label']})").paint(mask, ids[shape["label"]])
        return mask

    def _patch(self, shape: dict[str, Any], size: tuple[int, int], where: str) -> Patch:
        kind = shape.get("shape_type") or "polygon"
        if kind not in _LEAST:
            raise DataError(f"{where}: shape_type {kind!r} is none of {', '.join(_LEAST)}")
        points = points_of(shape.get("points"), where, _LEAST[kind])
        if kind == "polygon":
            return polygon([points], size)
        if kind == "rectangle":
            (x, y), (u, v) = points[:2]
            return polygon([np.array([[x, y], [u, y], [u, v], [x, v]])], size)
        if kind == "circle":
            return line(points[:1], 2 * math.dist(points[0], points[1]), size)
        if kind in ("line", "linestrip"):
            return line(points, self.line_width, size)
        if kind == "mask":
            return _stored(shape.get("mask"), points, size, where)
        covered = np.zeros(size, np.bool_)
        for point in points:
            dot = line(point[None], 2 * self.point_size, size)
            dot.paint(covered, True)
        return Patch(0, 0, covered)

    @classmethod
    def labels_in(cls, paths: Sequence[str]) -> tuple[str, ...]:
        """All labels, in alphabetical order."""
        found = {
            _label(shape, f"{path}: shape {i}")
            for path in paths
            for i, shape in enumerate(list_of(read_json(path), "shapes", path))
        }
        return tuple(sorted(name for name in found if name.lower() not in BACKGROUND + VOID))


def _label(shape: Any, where: str) -> str:
    label = shape.get("label") if isinstance(shape, dict) else None
    if not isinstance(label, str) or not label:
        raise DataError(f"{where}: has no label")
    return label


def _stored(text: Any, points: Points, size: tuple[int, int], where: str) -> Patch:
    """A shape that is a small picture, set at its first corner."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise DataError(f"{where}: its mask is no base64 text: {error}") from error
    covered = decode_mask(data, where) > 0
    left, top = (round(float(number)) for number in points[0])
    if left < 0 or top < 0 or top + covered.shape[0] > size[0] or left + covered.shape[1] > size[1]:
        raise DataError(
            f"{where}: its mask of {covered.shape[1]} x {covered.shape[0]} pixels at ({left}, {top}) is not inside the "
            f"image of {size[1]} x {size[0]}"
        )
    return Patch(top, left, covered)


def is_labelme(data: Any) -> bool:
    """Whether a JSON value looks like a labelme file."""
    return isinstance(data, dict) and isinstance(data.get("shapes"), list) and "images" not in data
