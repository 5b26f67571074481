"""Outlines of labels as GeoJSON (https://datatracker.ietf.org/doc/html/rfc7946) or GeoPackage.

A region is what hangs together by the sides of its pixels. It is outlined along them, with its holes, so that the
polygons of a scene neither overlap nor leave gaps. Simplified ones may do both, by no more than the tolerance, as every
ring is simplified by itself. GDAL follows the rows of the raster; the polygons are in memory.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from segue.errors import DataError, InputError
from segue.images.rasters import transform_points
from segue.inference.scenes.block import void_of
from segue.inference.scenes.geopackage import write_geopackage
from segue.inference.scenes.write import gdal
from segue.system.replaced import replaced

SUFFIXES = (".geojson", ".json", ".gpkg")
_EARTH = "EPSG:4326"
_DIGITS = 8  # of degrees: a millimetre
Ring = NDArray[np.float64]


@dataclass(frozen=True)
class Region:
    """A polygon.

    Attributes:
        label: the class's id.
        pixels: how many it has, before it was simplified.
        rings: outer border, then holes: (N, 2) x, y, closed.
    """

    label: int
    pixels: int
    rings: list[Ring]


def check_vector(path: str | Path, *, simplify: float = 0.0, least_area: int = 0) -> Path:
    """The path, if its ending is known; see `write_vectors` for the rest.

    Raises:
        InputError: it is not, or a number is negative.
    """
    path = Path(path)
    for name, value in (("simplify", simplify), ("least_area", least_area)):
        if value < 0:
            raise InputError(f"{name}={value}; it must be at least 0")
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: outlines go to a file that ends with {', '.join(SUFFIXES)}")
    return path


def write_vectors(
    labels: Path,
    path: str | Path,
    classes: Sequence[str],
    *,
    simplify: float = 0.0,
    least_area: int = 0,
) -> int:
    """Outline a raster of labels.

    GeoJSON has longitude and latitude, a GeoPackage the raster's own reference system. Without one, both have pixels: x
    to the right, y downwards.

    Args:
        labels: the raster.
        path: ``.geojson`` or ``.gpkg``.
        classes: names; they are the property ``class``, beside ``class_id`` and ``pixels``.
        simplify: farthest that a border may move, in pixels.
        least_area: regions and holes of fewer pixels are left out.

    Returns:
        How many regions were written.

    Raises:
        InputError: another ending, or a negative number.
        DataError: it cannot be written.
    """
    path = check_vector(path, simplify=simplify, least_area=least_area)
    with gdal() as rasterio, rasterio.open(labels) as file:
        crs = None if file.crs is None else file.crs
        place = file.transform if crs is not None else rasterio.Affine.identity()
        found = regions(file, void_of(len(classes)), simplify, least_area)
        moved = (Region(r.label, r.pixels, [_placed(ring, place) for ring in r.rings]) for r in found)
        try:
            return _write(path, moved, classes, crs)
        except (OSError, sqlite3.Error) as error:
            raise DataError(f"{path}: cannot be written: {error}") from error


def _write(path: Path, moved: Iterator[Region], classes: Sequence[str], crs: Any) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced(path) as part:
        if path.suffix.lower() == ".gpkg":
            wkt = None if crs is None else crs.to_wkt()
            part.unlink()
            rows = ((r.rings, (classes[r.label], r.label, r.pixels)) for r in moved)
            return write_geopackage(part, path.stem, rows, wkt, None if crs is None else crs.to_epsg())
        return _write_geojson(part, moved, classes, None if crs is None else crs.to_string(), path)


def regions(file: Any, void: int, simplify: float = 0.0, least_area: int = 0) -> Iterator[Region]:
    """The regions of an open raster of labels, in pixels; what is ``void`` is none."""
    import rasterio
    from rasterio.features import shapes

    back = ~file.transform  # GDAL gives coordinates of the raster
    for shape, value in shapes(rasterio.band(file, 1), connectivity=4):
        if int(value) == void:
            continue
        rings = [np.rint(_placed(np.asarray(ring, np.float64), back)) for ring in shape["coordinates"]]
        areas = [abs(_area(ring)) for ring in rings]
        pixels = round(areas[0] - sum(areas[1:]))
        if pixels < least_area:
            continue
        kept = [ring for i, (ring, area) in enumerate(zip(rings, areas, strict=True)) if i == 0 or area >= least_area]
        simple = [_simplified(ring, simplify) for ring in kept]
        if len(simple[0]) >= 4:
            yield Region(int(value), pixels, [simple[0], *(ring for ring in simple[1:] if len(ring) >= 4)])


def _simplified(ring: Ring, most: float) -> Ring:
    """By Douglas and Peucker; a ring that would vanish stays as it is."""
    if most <= 0:
        return ring
    points = cv2.approxPolyDP(ring[:-1].astype(np.int32)[:, None], most, True)[:, 0].astype(np.float64)
    return np.concatenate([points, points[:1]]) if len(points) >= 3 else ring


def _area(ring: Ring) -> float:
    """Signed; positive where a ring runs counterclockwise with y upwards."""
    x, y = ring[:, 0], ring[:, 1]
    return float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum() / 2)


def _placed(ring: Ring, place: Any) -> Ring:
    matrix = np.array([[place.a, place.b], [place.d, place.e]])
    moved: Ring = ring @ matrix.T + (place.c, place.f)
    return moved


def _write_geojson(part: Path, found: Iterator[Region], classes: Sequence[str], crs: str | None, path: Path) -> int:
    count = 0
    with part.open("w", encoding="utf-8") as file:
        file.write('{"type": "FeatureCollection", "features": [')
        for region in found:
            rings = region.rings
            if crs is not None:
                flat = transform_points(np.concatenate(rings), crs, _EARTH, str(path))
                rings = np.split(np.round(flat, _DIGITS), np.cumsum([len(ring) for ring in rings])[:-1])
            turned = [ring if (_area(ring) > 0) == (i == 0) else ring[::-1] for i, ring in enumerate(rings)]
            feature = {
                "type": "Feature",
                "properties": {
                    "class": classes[region.label],
                    "class_id": region.label,
                    "pixels": region.pixels,
                },
                "geometry": {"type": "Polygon", "coordinates": [ring.tolist() for ring in turned]},
            }
            file.write(("," if count else "") + "\n" + json.dumps(feature, ensure_ascii=False))
            count += 1
        file.write("\n]}\n")
    return count
