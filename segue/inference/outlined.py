"""Label maps to polygons with holes, and to the files that hold them: GeoJSON, and entries of COCO."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from segue.masks.draw import Points
from segue.masks.trace import area, rings


@dataclass(frozen=True)
class Polygon:
    """One region of one class: pixels that touch along an edge.

    Attributes:
        label: the class's id.
        name: its name.
        rings: (N, 2) each, x, y of corners along the edges of pixels, (0, 0) the outer corner of the first pixel: the
            outer border, then that of every hole. `segue.masks.draw.polygon` gives the pixels back.
        area: pixels.
        box: left, top, width, height in pixels.
    """

    label: int
    name: str
    rings: tuple[Points, ...]
    area: int
    box: tuple[int, int, int, int]


def polygons_of(
    labels: NDArray[Any], classes: Sequence[str], *, least_area: int = 1, skip: Collection[int] = ()
) -> Iterator[Polygon]:
    """The regions of (H, W) label map, class by class; what is no class has none.

    Args:
        labels: class ids.
        classes: names.
        least_area: regions of fewer pixels are left out.
        skip: classes that are left out.
    """
    for label in np.unique(labels).tolist():
        if label in skip or not 0 <= label < len(classes):
            continue
        count, parts, stats, _ = cv2.connectedComponentsWithStats((labels == label).astype(np.uint8), connectivity=4)
        for part in range(1, count):
            left, top, width, height, pixels = (int(value) for value in stats[part])
            if pixels < least_area:
                continue
            borders = rings(parts[top : top + height, left : left + width] == part)
            borders = sorted((ring + np.array([left, top]) for ring in borders), key=lambda ring: -area(ring))
            yield Polygon(label, classes[label], tuple(borders), pixels, (left, top, width, height))


def geojson(polygons: Sequence[Polygon]) -> dict[str, Any]:
    """A FeatureCollection (RFC 7946) in pixels, y downwards; rings after the first are holes."""
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"class": one.name, "id": one.label, "area": one.area},
                "geometry": {"type": "Polygon", "coordinates": [_closed(ring).tolist() for ring in one.rings]},
            }
            for one in polygons
        ],
    }


def _closed(ring: Points) -> Points:
    return np.concatenate([ring, ring[:1]])


def coco_annotation(one: Polygon) -> dict[str, Any]:
    """An entry of COCO without its ids. Holes, which COCO's polygons do not have, are reached by a cut of no width."""
    return {
        "category_id": one.label + 1,
        "segmentation": [in_one_ring(one.rings).ravel().tolist()],
        "area": one.area,
        "bbox": list(one.box),
        "iscrowd": 0,
    }


def in_one_ring(borders: Sequence[Points]) -> Points:
    """An outer border and holes as one ring, which runs to each hole and back along the same line."""
    whole = borders[0]
    for hole in borders[1:]:
        start = hole[0]
        near = int(np.abs(whole - start).sum(axis=1).argmin())
        whole = np.concatenate([whole[: near + 1], _closed(hole), whole[near:]])
    return whole
