"""Polygons as strings, read directly: a folder for each class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segue.errors import DataError, LabelError
from segue.masks.names import Names
from segue.masks.polygons import PolygonsReader, paint, parse_coordinates
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


def test_later_classes_are_drawn_over_earlier_ones(tmp_path: Path):
    """Oracle: a square of 9 x 9 pixels (edges included) and a road over three of its rows."""
    image = picture(tmp_path / "images/a.png")
    write(tmp_path / "roads/a.json", "road_imcoords", "0,3,40,3,40,5,0,5", "EMPTY")
    write(tmp_path / "buildings/a.json", "building_imcoords", "1,1,9,1,9,9,1,9")
    expected = np.zeros(SIZE, np.uint8)
    expected[1:10, 1:10] = 1
    expected[3:6, :41] = 2
    reader = PolygonsReader(str(tmp_path), CLASSES)
    np.testing.assert_array_equal(reader.read(reader.place("a.png"), image), expected)


@pytest.mark.parametrize("far", [50.0, 1e5, 1e12])
def test_what_lies_outside_the_image_is_cut_off(far: float):
    """Oracle: the right half plane x >= 2, given as a huge rectangle; 1e5 and more would wrap in OpenCV."""
    huge = np.array([[2, -far], [far, -far], [far, far], [2, far]])
    expected, mask = np.zeros((4, 5), np.uint8), np.zeros((4, 5), np.uint8)
    expected[:, 2:] = 1
    paint(mask, huge + np.array([far, 0]), 1)
    assert not mask.any()
    paint(mask, huge, 1)
    np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize("text", ["EMPTY", "empty", "", "  ", None])
def test_empty_means_no_polygon(text: str | None):
    assert parse_coordinates(text, "here") is None


def test_coordinates_are_pairs():
    np.testing.assert_array_equal(parse_coordinates("1, 2,3.5,4,5e0,6", "here"), [[1, 2], [3.5, 4], [5, 6]])
    np.testing.assert_array_equal(parse_coordinates("1,2,3,4,5,6,", "here"), [[1, 2], [3, 4], [5, 6]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2,3,4,5", "a.json: feature 1: building_imcoords: 5 coordinates; x,y pairs need an even number"),
        ("1,2,x,4,5,6", "feature 1: building_imcoords: value 2 of the coordinates is 'x', which is not a number"),
        ("1,2,,4,5,6", "value 2 of the coordinates is '', which is not a number"),
        ("1,2,nan,4,5,6", "value 2 of the coordinates is 'nan', which is not a number"),
        ("1,2,3,4", "feature 1: building_imcoords: 2 points; a polygon needs at least 3"),
        ([1, 2, 3], "coordinates must be one string 'x,y,x,y,...', not list"),
    ],
)
def test_wrong_coordinates_name_file_feature_and_fault(tmp_path: Path, text: object, message: str):
    image = picture(tmp_path / "images/a.png")
    write(tmp_path / "buildings/a.json", "building_imcoords", "EMPTY", text)  # type: ignore[arg-type]
    reader = PolygonsReader(str(tmp_path), CLASSES)
    with pytest.raises(DataError) as caught:
        reader.read(reader.place("a.png"), image)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "has no list 'features' at its top level"),
        ('{"features": [3]}', "feature 0: has no property that ends with _imcoords"),
    ],
)
def test_wrong_files_are_named(tmp_path: Path, content: str, message: str):
    image = picture(tmp_path / "images/a.png")
    (tmp_path / "buildings").mkdir()
    (tmp_path / "buildings/a.json").write_text(content)
    reader = PolygonsReader(str(tmp_path), CLASSES)
    with pytest.raises(DataError) as caught:
        reader.read(reader.place("a.png"), image)
    assert str(tmp_path / "buildings/a.json") in str(caught.value) and message in str(caught.value)


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
