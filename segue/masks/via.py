"""VGG Image Annotator: one JSON or CSV file of version 1 or 2, or a project of version 2 or 3.

https://www.robots.ox.ac.uk/~vgg/software/via. Regions are drawn in their order. The class is an attribute of the
region; where several attributes could be it, ``attribute`` names one.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from segue.errors import DataError
from segue.images.read import read_bytes
from segue.masks.documents import points_of, read_json
from segue.masks.draw import Patch, polygon
from segue.masks.listed import Boxes, Entry, ListedReader, Region, name_in, sorted_labels
from segue.masks.names import Names
from segue.masks.shapes import ellipse, number, rectangle

#: Attributes that are the class where there are several.
ATTRIBUTES = ("class", "label", "category", "type", "name", "object")
_SHAPES_3 = {2: "rect", 3: "circle", 4: "ellipse", 7: "polygon"}
_OTHERS_3 = {1: "point", 5: "line", 6: "polyline", 8: "extreme rectangle", 9: "extreme circle"}
_ALONE = "object"


class ViaReader(ListedReader):
    """Polygons, circles, ellipses, and rectangles as ``boxes`` says.

    Args:
        root: the file.
        names: classes.
        boxes: as of `ListedReader`; here rectangles are drawn by default, since the tool has no other use for them.
        attribute: of regions, that names their class.
    """

    format = "via"

    def __init__(
        self, root: str, names: Names | None = None, boxes: Boxes = "draw", attribute: str | None = None
    ) -> None:
        super().__init__(root, names, boxes)
        self.attribute = attribute

    def _read(self) -> dict[str, Entry]:
        if self._entries is None:
            found = super()._read()
            for entry in found.values():
                for region in entry.regions:
                    region.label = label_of(region.data["attributes"], region.where, self.attribute)
        return super()._read()

    @classmethod
    def entries(cls, path: str) -> list[Entry]:
        """The images with their regions; labels as they are without being told the attribute."""
        if path.lower().endswith(".csv"):
            return _from_rows(path)
        data = read_json(path)
        if isinstance(data, dict) and "_via_img_metadata" in data:
            data = data["_via_img_metadata"]
        if isinstance(data, dict) and isinstance(data.get("file"), dict) and "metadata" in data:
            return _from_version_3(data, path)
        if not isinstance(data, dict):
            raise DataError(f"{path}: not a file of VIA")
        return [_entry(item, f"{path}: {key}", path) for key, item in data.items()]

    def draw(self, region: Region, size: tuple[int, int]) -> Patch:
        """The pixels of a region."""
        shape, where = region.data["shape"], region.where
        kind = shape.get("name")
        if kind == "polygon":
            return polygon([_points(shape, where)], size)
        if kind == "rect":
            x, y = number(shape.get("x"), where, "x"), number(shape.get("y"), where, "y")
            wide, high = number(shape.get("width"), where, "width", 0), number(shape.get("height"), where, "height", 0)
            return rectangle(x, y, x + wide, y + high, size)
        if kind in ("circle", "ellipse"):
            x, y = number(shape.get("cx"), where, "cx"), number(shape.get("cy"), where, "cy")
            across = number(shape.get("r" if kind == "circle" else "rx"), where, "radius", 0)
            down = across if kind == "circle" else number(shape.get("ry"), where, "ry", 0)
            return ellipse(x, y, across, down, size, float(np.degrees(number(shape.get("theta") or 0, where, "theta"))))
        raise DataError(
            f"{where}: a {kind} covers no pixels; polygon, rect, circle and ellipse do: draw it so in VIA, or delete it"
        )

    @classmethod
    def labels_in(cls, paths: Sequence[str], attribute: str | None = None) -> tuple[str, ...]:
        """All labels, in alphabetical order."""
        regions = [region for path in paths for entry in cls.entries(path) for region in entry.regions]
        return sorted_labels(label_of(region.data["attributes"], region.where, attribute) for region in regions)


def is_via(data: Any) -> bool:
    """Whether a JSON value looks like a file of VIA."""
    if not isinstance(data, dict):
        return False
    if "_via_img_metadata" in data or (isinstance(data.get("file"), dict) and "metadata" in data and "view" in data):
        return True
    first = next(iter(data.values()), None)
    return isinstance(first, dict) and "filename" in first and "regions" in first


def is_via_csv(text: str) -> bool:
    """Whether the first line of a file is that of VIA's CSV."""
    return "region_shape_attributes" in text.partition("\n")[0]


def label_of(attributes: Any, where: str, attribute: str | None) -> str:
    """The class that a region's attributes name; ``object`` for regions without any."""
    attributes = attributes if isinstance(attributes, dict) else {}
    if attribute is None and len(attributes) > 1:
        known = [key for name in ATTRIBUTES for key in attributes if key.lower() == name]
        if not known:
            raise DataError(
                f"{where}: which of the attributes {', '.join(attributes)} is the class? mask_format=dict(type='via', "
                "attribute=...) says so"
            )
        attribute = known[0]
    if not attributes and attribute is None:
        return _ALONE
    value = attributes.get(attribute) if attribute is not None else next(iter(attributes.values()))
    if isinstance(value, dict):  # check boxes
        chosen = [key for key, on in value.items() if on]
        value = chosen[0] if len(chosen) == 1 else None
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"{where}: its attribute {attribute or next(iter(attributes))!r} names no class or several")
    return value.strip()


def _entry(item: Any, where: str, path: str) -> Entry:
    if not isinstance(item, dict) or "filename" not in item:
        raise DataError(f"{where}: has no filename")
    entry = Entry(name_in(item["filename"], where))
    regions = item.get("regions") or []
    for i, region in enumerate(regions.values() if isinstance(regions, dict) else regions):
        _add(entry, region.get("shape_attributes"), region.get("region_attributes"), f"{path}#{entry.name}: region {i}")
    return entry


def _add(entry: Entry, shape: Any, attributes: Any, where: str) -> None:
    if not isinstance(shape, dict):
        raise DataError(f"{where}: has no shape_attributes")
    entry.regions.append(Region(_ALONE, where, {"shape": shape, "attributes": attributes}, shape.get("name") == "rect"))


def _points(shape: Any, where: str) -> Any:
    xs, ys = shape.get("all_points_x"), shape.get("all_points_y")
    if not isinstance(xs, list) or not isinstance(ys, list) or len(xs) != len(ys):
        raise DataError(f"{where}: all_points_x and all_points_y must be lists of one length")
    return points_of([list(pair) for pair in zip(xs, ys, strict=True)], where)


def _from_rows(path: str) -> list[Entry]:
    found: dict[str, Entry] = {}
    try:
        rows = list(csv.DictReader(io.StringIO(read_bytes(path).decode("utf-8-sig"))))
        for i, row in enumerate(rows, 2):
            where = f"{path}:{i}"
            name = name_in(row.get("filename"), where)
            entry = found.setdefault(name, Entry(name))
            shape = json.loads(row.get("region_shape_attributes") or "{}")
            if shape:
                _add(entry, shape, json.loads(row.get("region_attributes") or "{}"), where)
    except (ValueError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as VIA's CSV: {error}") from error
    return list(found.values())


def _from_version_3(data: Any, path: str) -> list[Entry]:
    try:
        files = {str(key): Entry(name_in(item["fname"], path)) for key, item in data["file"].items()}
        views = {str(key): [str(f) for f in view["fid_list"]] for key, view in data["view"].items()}
        names = {str(key): item for key, item in (data.get("attribute") or {}).items()}
        for key, item in data["metadata"].items():
            where = f"{path}: metadata {key}"
            if not item.get("xy"):
                continue  # of the file, not of a region
            [file] = views[str(item["vid"])]
            attributes = {}
            for number_, value in (item.get("av") or {}).items():
                attribute = names[str(number_)]
                attributes[attribute["aname"]] = (attribute.get("options") or {}).get(value, value)
            _add(files[file], _shape_3(item["xy"], where), attributes, where)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{path}: cannot be read as a project of VIA 3: {error!r}") from error
    return list(files.values())


def _shape_3(xy: list[Any], where: str) -> dict[str, Any]:
    kind, values = int(xy[0]), list(xy[1:])
    if kind not in _SHAPES_3:
        return {"name": _OTHERS_3.get(kind, f"shape {kind}")}
    keys = {"rect": ("x", "y", "width", "height"), "circle": ("cx", "cy", "r"), "ellipse": ("cx", "cy", "rx", "ry")}
    name = _SHAPES_3[kind]
    if name == "polygon":
        return {"name": name, "all_points_x": values[::2], "all_points_y": values[1::2]}
    if len(values) < len(keys[name]):
        raise DataError(f"{where}: a {name} of {len(values)} numbers")
    return {"name": name, **dict(zip(keys[name], values, strict=False))}
