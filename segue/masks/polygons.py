"""Polygons as strings in JSON files, one file for each image and class: ``x,y,x,y,...``.

``features[].properties.building_imcoords`` holds an outline in pixels; the word EMPTY or an empty string means that the
image has none. Coordinates are those of pixels, not of their corners: the pixels that an outline runs through belong
to it. Later classes are drawn over earlier ones, such as roads over buildings.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from segue.errors import DataError
from segue.images.read import Array
from segue.masks.documents import annotation_files, list_of, read_json
from segue.masks.draw import Points
from segue.masks.reader import MaskReader
from segue.masks.size import image_size

_ENDING = "_imcoords"
_FARTHEST = 1e15  # so that clipping cannot overflow


class PolygonsReader(MaskReader):
    """Files ``FOLDER/stem.json`` for every folder below ``root`` (buildings, roads), or ``root/stem.json``.

    A feature's class is the property that ends with ``_imcoords``, without that ending.

    Args:
        root: folder of the folders, or of the files.
        names: classes.
    """

    format = "polygons"

    def place(self, image: str) -> str:
        """What the files of an image are called in each folder."""
        return os.path.join(self.root, "*", os.path.splitext(image)[0] + ".json")

    def files(self, place: str, image: str) -> tuple[str, ...]:
        """The files of all classes."""
        name = os.path.relpath(place, os.path.join(self.root, "*"))
        paths = (os.path.join(folder, name) for folder in [*self._folders, self.root])
        return tuple(path for path in paths if os.path.isfile(path))

    def read(self, place: str, image: str) -> Array:
        """(H, W) class ids."""
        paths = self.files(place, image)
        if len(paths) < len(self._folders) or not paths:
            there = ", ".join(self._folders) or self.root
            raise DataError(f"{place}: {len(paths)} JSON files of {image}; each of {there} must have one")
        found = [outline for path in paths for outline in _outlines(path)]
        ids = self.names.ids(Counter(label for label, _ in found), place, "polygons")
        mask = self.names.blank(image_size(image))
        for label, points in sorted(found, key=lambda outline: ids[outline[0]]):
            paint(mask, points, ids[label])
        return mask

    @cached_property
    def _folders(self) -> list[str]:
        """The folders below the root with JSON files in them."""
        folders = [entry.path for entry in os.scandir(self.root) if entry.is_dir() and not entry.name.startswith(".")]
        found = [folder for folder in folders if annotation_files(os.listdir(folder), (".json",))]
        return sorted(found)

    @classmethod
    def labels_in(cls, paths: Sequence[str]) -> tuple[str, ...]:
        """The classes that the properties name, in alphabetical order."""
        found = set()
        for path in paths:
            for _, properties in _properties(path):
                found |= {key.removesuffix(_ENDING) for key in properties}
        return tuple(sorted(found))


def is_polygons(data: Any) -> bool:
    """Whether a JSON value looks like such a file."""
    features = data.get("features") if isinstance(data, dict) else None
    properties = [f.get("properties") for f in features if isinstance(f, dict)] if isinstance(features, list) else []
    return any(isinstance(p, dict) and any(str(key).endswith(_ENDING) for key in p) for p in properties)


def _properties(path: str | Path) -> list[tuple[str, dict[str, Any]]]:
    """(file and feature, its properties that are outlines); each feature has one at least."""
    found = []
    for i, feature in enumerate(list_of(read_json(path), "features", path)):
        properties = feature.get("properties") if isinstance(feature, dict) else None
        outlines = {k: v for k, v in properties.items() if k.endswith(_ENDING)} if isinstance(properties, dict) else {}
        if not outlines:
            raise DataError(f"{path}: feature {i}: has no property that ends with {_ENDING}")
        found.append((f"{path}: feature {i}", outlines))
    return found


def _outlines(path: str) -> list[tuple[str, Points]]:
    """(label, points) of all outlines of a file."""
    found = []
    for where, properties in _properties(path):
        for key, text in properties.items():
            points = parse_coordinates(text, f"{where}: {key}")
            if points is not None:
                found.append((key.removesuffix(_ENDING), points))
    return found


def parse_coordinates(text: object, where: str) -> Points | None:
    """``"x,y,x,y,..."`` to points (N, 2); None for EMPTY or an empty string. ``where`` starts the error message."""
    if text is None or (isinstance(text, str) and text.strip().upper() in ("", "EMPTY")):
        return None
    if not isinstance(text, str):
        raise DataError(f"{where}: coordinates must be one string 'x,y,x,y,...', not {type(text).__name__}")
    values: list[float] = []
    for position, part in enumerate(text.strip().strip(",").split(",")):
        try:
            value = float(part)
        except ValueError:
            value = math.nan
        if not abs(value) <= _FARTHEST:
            raise DataError(f"{where}: value {position} of the coordinates is {part.strip()!r}, which is not a number")
        values.append(value)
    if len(values) % 2:
        raise DataError(f"{where}: {len(values)} coordinates; x,y pairs need an even number")
    if len(values) < 6:
        raise DataError(f"{where}: {len(values) // 2} points; a polygon needs at least 3")
    return np.array(values, np.float64).reshape(-1, 2)


def paint(mask: Array, points: Points, value: int) -> None:
    """Draw a polygon with the pixels of its outline; what lies outside of the image is cut off."""
    points = _clip(np.asarray(points, np.float64), mask.shape[:2])
    if len(points) >= 3:
        cv2.fillPoly(mask, [np.round(points).astype(np.int32)], value)


def _clip(points: Points, size: tuple[int, ...], slack: float = 8.0) -> Points:
    """Cut a polygon at the image's frame, ``slack`` pixels outside (Sutherland and Hodgman, 1974).

    OpenCV draws in 16 fractional bits: coordinates beyond about 30000 would wrap.
    """
    height, width = size
    for axis, sign, limit in ((0, 1, -slack), (0, -1, -(width + slack)), (1, 1, -slack), (1, -1, -(height + slack))):
        depth = sign * points[:, axis] - limit
        if np.all(depth >= 0):
            continue
        kept = []
        for i in range(len(points)):
            a, b, da, db = points[i - 1], points[i], depth[i - 1], depth[i]
            if (da >= 0) != (db >= 0):
                kept.append(a + (b - a) * (da / (da - db)))
            if db >= 0:
                kept.append(b)
        points = np.array(kept, np.float64).reshape(-1, 2)
        if not len(points):
            break
    return points
