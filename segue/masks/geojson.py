"""GeoJSON: polygons on the map, for images that know where they lie.

https://datatracker.ietf.org/doc/html/rfc7946. One file serves all images that it covers. Rings inside a polygon are
holes. Coordinates are those of the file's ``crs``, longitude and latitude without one; where the image has another
reference system they are transformed. Both need rasterio (extra ``geo``). Later features are drawn over earlier ones.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from segue.errors import DataError, InputError, LabelError
from segue.images.rasters import Raster, transform_points
from segue.images.read import Array
from segue.masks.documents import list_of, points_of, read_json
from segue.masks.draw import Points, line, polygon
from segue.masks.names import BACKGROUND, VOID, Names
from segue.masks.reader import MaskReader

#: Properties that may hold the class of a feature, where the config names none.
PROPERTIES = ("class", "label", "category", "class_name", "classname")
_LONGITUDE_FIRST = "EPSG:4326"


@dataclass
class _Shape:
    """A polygon with its holes, or a line; rings in the coordinates of the file."""

    feature: int
    rings: list[Points]
    is_line: bool


class GeojsonReader(MaskReader):
    """Polygons, and with ``line_width`` also lines.

    Args:
        root: the file.
        names: classes.
        class_property: property of the features that names their class; without one it is the first of `PROPERTIES`
            that they have. With a single class besides the background all features are that class.
        line_width: pixels across lines; None refuses them.
    """

    format = "geojson"

    def __init__(
        self,
        root: str,
        names: Names | None = None,
        class_property: str | None = None,
        line_width: float | None = None,
    ) -> None:
        super().__init__(root, names)
        if line_width is not None and not line_width > 0:
            raise InputError(f"mask_format: line_width must be above 0, got {line_width}")
        self.class_property = class_property
        self.line_width = line_width
        self._shapes: dict[str, tuple[str, list[_Shape], list[str]]] = {}
        self._placed: dict[tuple[str, str], tuple[list[list[Points]], Array]] = {}

    def place(self, image: str) -> str:
        """The one file, or that of the image's name in a folder."""
        if not os.path.isdir(self.root):
            return self.root
        stem = os.path.join(self.root, os.path.splitext(image)[0])
        return next((stem + end for end in (".geojson", ".json") if os.path.exists(stem + end)), stem + ".geojson")

    def read(self, place: str, image: str) -> Array:
        """(H, W) class ids."""
        with Raster(image) as raster:
            size, crs, transform = raster.size, raster.crs, raster.transform
        if crs is None:
            raise DataError(
                f"{image}: has no coordinate reference system, so the polygons of {place} cannot be placed on it; "
                "export it as a GeoTIFF that has one"
            )
        shapes, labels = self._of_file(place)
        ids = self.names.ids(Counter(labels), place, "features")
        rings_of, bounds = self._in_crs(place, crs)
        a, b, c, d, e, f = transform
        inverse = np.linalg.inv(np.array([[a, b], [d, e]]))
        corners = np.array([[0, 0], [size[1], 0], [0, size[0]], [size[1], size[0]]], np.float64)
        corners = corners @ np.array([[a, b], [d, e]]).T + (c, f)
        slack = (self.line_width or 0.0) * max(abs(a), abs(b), abs(d), abs(e))
        near = (bounds[:, :2] <= corners.max(axis=0) + slack) & (bounds[:, 2:] >= corners.min(axis=0) - slack)
        mask = self.names.blank(size)
        for i in np.flatnonzero(near.all(axis=1)):
            rings = [(ring - (c, f)) @ inverse.T for ring in rings_of[i]]
            if shapes[i].is_line:
                assert self.line_width is not None
                patch = line(rings[0], self.line_width, size)
            else:
                patch = polygon(rings, size)
            patch.paint(mask, ids[labels[i]])
        return mask

    def _of_file(self, path: str) -> tuple[list[_Shape], list[str]]:
        """The shapes of a file and the label of each, read once."""
        if path not in self._shapes:
            data = read_json(path)
            features = list_of(data, "features", path)
            shapes = [shape for i, feature in enumerate(features) for shape in self._shapes_of(feature, i, path)]
            labels = self._labels(features, path)
            self._shapes[path] = _crs(data, path), shapes, [labels[shape.feature] for shape in shapes]
        return self._shapes[path][1:]

    def _in_crs(self, path: str, crs: str) -> tuple[list[list[Points]], Array]:
        """The rings in another reference system, and (N, 4) least x, least y, greatest x, greatest y of each shape."""
        if (path, crs) not in self._placed:
            own, shapes, _ = self._shapes[path]
            flat = [ring for shape in shapes for ring in shape.rings]
            if flat:
                points = transform_points(np.concatenate(flat), own, crs, f"{path} and the image")
                ends = np.cumsum([len(ring) for ring in flat])
                flat = np.split(points, ends[:-1])
            taken = iter(flat)
            rings_of = [[next(taken) for _ in shape.rings] for shape in shapes]
            bounds = np.array(
                [[*np.concatenate(r).min(axis=0), *np.concatenate(r).max(axis=0)] for r in rings_of], np.float64
            ).reshape(-1, 4)
            self._placed[path, crs] = rings_of, bounds
        return self._placed[path, crs]

    def _labels(self, features: Sequence[Any], path: str) -> list[str]:
        objects = self.names.objects
        if self.class_property is None and len(objects) == 1:
            return [objects[0]] * len(features)
        key = self.class_property or _class_property(features)
        if key is None:
            raise LabelError(
                f"{path}: its features have none of the properties {', '.join(PROPERTIES)}; name the one that holds "
                f"their class: mask_format=dict(type='geojson', class_property=...); they have {_properties(features)}"
            )
        return [_label(feature, key, f"{path}: feature {i}") for i, feature in enumerate(features)]

    def _shapes_of(self, feature: Any, number: int, path: str) -> Iterator[_Shape]:
        where = f"{path}: feature {number}"
        geometry = feature.get("geometry") if isinstance(feature, dict) else None
        for part in _simple(geometry, where):
            kind, coordinates = part["type"], part["coordinates"]
            if kind == "LineString" and self.line_width is not None:
                yield _Shape(number, [points_of(coordinates, where, 2)], True)
            elif kind == "Polygon":
                if not isinstance(coordinates, list) or not coordinates:
                    raise DataError(f"{where}: a polygon is a list of rings, got {coordinates!r:.60}")
                yield _Shape(number, [points_of(r, f"{where}: ring {i}") for i, r in enumerate(coordinates)], False)
            else:
                advice = "; line_width=... in mask_format draws it" if kind == "LineString" else ""
                raise DataError(f"{where}: a {kind} has no area{advice}")

    @classmethod
    def labels_in(cls, paths: Sequence[str]) -> tuple[str, ...]:
        """The values of the property that names classes, in alphabetical order; without one a single class."""
        found: set[str] = set()
        for path in paths:
            features = list_of(read_json(path), "features", path)
            key = _class_property(features)
            if key is None:
                return ("foreground",)
            found |= {_label(feature, key, f"{path}: feature {i}") for i, feature in enumerate(features)}
        return tuple(sorted(name for name in found if name.lower() not in BACKGROUND + VOID)) or ("foreground",)


def is_geojson(data: Any) -> bool:
    """Whether a JSON value looks like GeoJSON with geometries."""
    features = data.get("features") if isinstance(data, dict) else None
    return isinstance(features, list) and (
        data.get("type") == "FeatureCollection" and any(isinstance(f, dict) and f.get("geometry") for f in features)
    )


def _class_property(features: Sequence[Any]) -> str | None:
    found = [f.get("properties") for f in features if isinstance(f, dict)]
    with_all = (key for key in PROPERTIES if all(isinstance(p, dict) and p.get(key) not in (None, "") for p in found))
    return next(with_all, None) if found else None


def _label(feature: Any, key: str, where: str) -> str:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    value = properties.get(key) if isinstance(properties, dict) else None
    if not isinstance(value, (str, int)) or value == "":
        raise DataError(f"{where}: its property {key!r} is {value!r}, which names no class")
    return str(value)


def _properties(features: Sequence[Any]) -> str:
    keys = [key for f in features[:1] if isinstance(f, dict) for key in (f.get("properties") or {})]
    return ", ".join(map(str, keys[:12])) + (" ..." if len(keys) > 12 else "") if keys else "no properties"


def _simple(geometry: Any, where: str, depth: int = 0) -> Iterator[dict[str, Any]]:
    """The polygons, lines and points of a geometry that may be a collection."""
    if geometry is None:  # allowed by the standard: a feature without a place
        return
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    parts = geometry.get("geometries" if kind == "GeometryCollection" else "coordinates") if kind else None
    if not isinstance(kind, str) or not isinstance(parts, list) or depth > 8:
        raise DataError(f"{where}: its geometry is no GeoJSON geometry: {geometry!r:.60}")
    if kind == "GeometryCollection":
        for part in parts:
            yield from _simple(part, where, depth + 1)
    elif kind.startswith("Multi"):
        yield from ({"type": kind.removeprefix("Multi"), "coordinates": part} for part in parts)
    else:
        yield {"type": kind, "coordinates": parts}


def _crs(data: dict[str, Any], path: str) -> str:
    """The reference system of a file, as a name that rasterio knows."""
    crs = data.get("crs")
    if crs is None:
        return _LONGITUDE_FIRST
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    if not isinstance(name, str):
        raise DataError(f"{path}: its 'crs' has no properties.name such as 'urn:ogc:def:crs:EPSG::32616': {crs!r:.80}")
    return _LONGITUDE_FIRST if name.upper().endswith("CRS84") else name
