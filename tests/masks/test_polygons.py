"""Polygons as strings, read directly: a folder for each class. The parsing is tested with `segue convert polygons`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segue.convert.polygons import polygons_to_mask
from segue.errors import DataError, LabelError
from segue.masks.names import Names
from segue.masks.polygons import PolygonsReader
from tests.masks.scenes import SIZE, blocks, picture, write_json

CLASSES = Names(("background", "building", "road"))


def write(path: Path, key: str, *texts: str) -> str:
    return write_json(path, {"features": [{"properties": {key: text}} for text in texts]})


def box(labels: np.ndarray, value: int) -> list[str]:
    """The outline of each block through the centers of its outer pixels, as the format has it."""
    import cv2

    found, _ = cv2.findContours((labels == value).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [",".join(map(str, contour.ravel().tolist())) for contour in found]


@pytest.mark.parametrize("seed", range(3))
def test_round_trip(tmp_path: Path, seed: int):
    """Oracle: blocks of at least 3 x 3 pixels, whose outlines run through pixels that belong to them."""
    labels = blocks(seed, 3)
    image = picture(tmp_path / "images/a.png")
    for value, name in ((1, "building"), (2, "road")):
        write(tmp_path / f"{name}s/a.json", f"{name}_imcoords", *box(labels, value))
    reader = PolygonsReader(str(tmp_path), CLASSES)
    place = reader.place("a.png")
    np.testing.assert_array_equal(reader.read(place, image), labels)
    assert len(reader.files(place, image)) == 2
    assert PolygonsReader.labels_in(reader.files(place, image)) == ("building", "road")


def test_the_same_as_the_converter(tmp_path: Path):
    """Oracle: `segue convert polygons`; roads over buildings."""
    image = picture(tmp_path / "images/a.png")
    write(tmp_path / "roads/a.json", "road_imcoords", "0,3,40,3,40,5,0,5", "EMPTY")
    write(tmp_path / "buildings/a.json", "building_imcoords", "1,1,9,1,9,9,1,9")
    reader = PolygonsReader(str(tmp_path), CLASSES)
    square, road = (
        np.array([[1, 1], [9, 1], [9, 9], [1, 9]], float),
        np.array([[0, 3], [40, 3], [40, 5], [0, 5]], float),
    )
    np.testing.assert_array_equal(reader.read(reader.place("a.png"), image), polygons_to_mask(SIZE, [square], [road]))


def test_faults(tmp_path: Path):
    image = picture(tmp_path / "images/a.png")
    write(tmp_path / "roads/a.json", "road_imcoords", "EMPTY")
    write(tmp_path / "buildings/b.json", "building_imcoords", "EMPTY")
    reader = PolygonsReader(str(tmp_path), CLASSES)
    with pytest.raises(DataError, match=r"1 JSON files of .*a\.png; each of .*buildings, .*roads must have one"):
        reader.read(reader.place("a.png"), image)
    write(tmp_path / "buildings/a.json", "shed_imcoords", "1,1,2,2,3,1")
    with pytest.raises(LabelError, match=r"'shed' \(1 polygons\) is none of the classes background, building, road"):
        reader.read(reader.place("a.png"), image)
    write(tmp_path / "buildings/a.json", "name", "x")
    with pytest.raises(DataError, match=r"buildings/a\.json: feature 0: has no property that ends with _imcoords"):
        reader.read(reader.place("a.png"), image)
