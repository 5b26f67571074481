"""labelme, AnyLabeling and X-AnyLabeling: one JSON file per image with named shapes.

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

#: Of each kind of shape how many points it has, at least and at most.
_POINTS: dict[str, tuple[int, int]] = {
    "polygon": (3, 0),
    "rectangle": (2, 4),
    "rotation": (4, 4),
    "quadrilateral": (4, 4),
    "circle": (2, 2),
    "line": (2, 2),
    "linestrip": (2, 0),
    "point": (1, 1),
    "points": (1, 0),
    "mask": (2, 2),
}


class LabelmeReader(MaskReader):
    """Shapes ``polygon``, ``rectangle`` (two corners, or four as AnyLabeling writes them), ``rotation`` and
    ``quadrilateral`` of X-AnyLabeling, ``circle``, ``line``, ``linestrip``, ``point``, ``points`` and ``mask``.

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
        if kind not in _POINTS:
            raise DataError(f"{where}: shape_type {kind!r} is none of {', '.join(_POINTS)}")
        points = points_of(shape.get("points"), where, _POINTS[kind][0])
        most = _POINTS[kind][1]
        if (most and len(points) > most) or (kind == "rectangle" and len(points) == 3):
            possible = "2 or 4" if kind == "rectangle" else str(most)
            raise DataError(f"{where}: a {kind} of {len(points)} points; it has {possible}")
        if kind in ("polygon", "rotation", "quadrilateral") or (kind == "rectangle" and len(points) == 4):
            return polygon([points], size)
        if kind == "rectangle":
            (x, y), (u, v) = points
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
