"""Label maps to polygons and back, by the readers of those files."""

from __future__ import annotations

import numpy as np
import pytest

from segue.inference.outlined import coco_annotation, geojson, in_one_ring, polygons_of
from segue.masks.draw import polygon

CLASSES = ("a", "b", "c")


def drawn(rings: list[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(size, np.int64)
    polygon(rings, size).paint(mask, 1)
    return mask


@pytest.mark.parametrize("seed", range(4))
def test_polygons_give_the_label_map_back(seed: int) -> None:
    """Random maps, with holes, regions that touch at corners, and regions within holes."""
    draw = np.random.default_rng(seed)
    labels = np.kron(draw.integers(0, 3, (9, 11)), np.ones((1 + seed % 2, 2), int))
    again = np.full(labels.shape, -1)
    one_ring = again.copy()
    for one in polygons_of(labels, CLASSES):
        patch = polygon(one.rings, labels.shape)
        assert patch.area == one.area
        assert one.name == CLASSES[one.label]
        patch.paint(again, one.label)
        polygon([in_one_ring(one.rings)], labels.shape).paint(one_ring, one.label)
    np.testing.assert_array_equal(again, labels)
    np.testing.assert_array_equal(one_ring, labels)


def test_a_ring_and_what_lies_in_it() -> None:
    labels = np.zeros((7, 8), int)
    labels[1:6, 1:6] = 1
    labels[2:5, 2:4] = 2
    labels[3, 3] = 255  # no class
    found = list(polygons_of(labels, CLASSES, skip=[0]))
    assert [(one.label, one.area, one.box) for one in found] == [(1, 19, (1, 1, 5, 5)), (2, 5, (2, 2, 2, 3))]
    outer, hole = found[0].rings
    assert outer.min() == 1 and outer.max() == 6
    assert (hole.min(axis=0) == 2).all() and (hole.max(axis=0) == (4, 5)).all()
    assert not list(polygons_of(labels, CLASSES, least_area=30, skip=[0]))


def test_geojson_and_coco() -> None:
    labels = np.zeros((6, 6), int)
    labels[1:5, 1:5] = 1
    labels[2:4, 2:4] = 0
    [one] = polygons_of(labels, CLASSES, skip=[0])
    [feature] = geojson([one])["features"]
    assert feature["properties"] == {"class": "b", "id": 1, "area": 12}
    assert all(ring[0] == ring[-1] for ring in feature["geometry"]["coordinates"])
    rings = [np.array(ring) for ring in feature["geometry"]["coordinates"]]
    np.testing.assert_array_equal(drawn(rings, labels.shape), labels)
    entry = coco_annotation(one)
    assert (entry["category_id"], entry["area"], entry["bbox"]) == (2, 12, [1, 1, 4, 4])
    [flat] = entry["segmentation"]
    np.testing.assert_array_equal(drawn([np.array(flat).reshape(-1, 2)], labels.shape), labels)
