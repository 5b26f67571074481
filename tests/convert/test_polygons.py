"""Polygons to masks: hand-worked masks, and one clear message for everything that can be wrong with a file."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from segue.convert.polygons import convert_folder, polygons_to_mask
from segue.errors import DataError
from segue.masks.polygons import parse_coordinates, read_polygons

SQUARE = np.array([[1, 1], [3, 1], [3, 3], [1, 3]], float)


def write(path: Path, *texts: object, key: str = "building_imcoords") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"features": [{"properties": {key: text}} for text in texts]}))
    return path


def test_roads_are_drawn_over_buildings():
    """Oracle: a square of 3 x 3 pixels (edges included) and a road over its last row, drawn by hand."""
    road = np.array([[0, 3], [5, 3], [5, 4], [0, 4]], float)
    expected = [
        [0, 0, 0, 0, 0, 0],
        [0, 1, 1, 1, 0, 0],
        [0, 1, 1, 1, 0, 0],
        [2, 2, 2, 2, 2, 2],
        [2, 2, 2, 2, 2, 2],
    ]
    np.testing.assert_array_equal(polygons_to_mask((5, 6), [SQUARE], [road]), expected)


@pytest.mark.parametrize("far", [50.0, 1e5, 1e12])
def test_what_lies_outside_the_image_is_cut_off(far: float):
    """Oracle: the right half plane x >= 2, given as a huge rectangle; 1e5 and more would wrap in OpenCV."""
    huge = np.array([[2, -far], [far, -far], [far, far], [2, far]])
    expected = np.zeros((4, 5), np.uint8)
    expected[:, 2:] = 1
    np.testing.assert_array_equal(polygons_to_mask((4, 5), [huge], []), expected)
    assert not polygons_to_mask((4, 5), [huge + np.array([far, 0])], []).any()


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
        (
            "1,2,x,4,5,6",
            "a.json: feature 1: building_imcoords: value 2 of the coordinates is 'x', which is not a number",
        ),
        ("1,2,,4,5,6", "value 2 of the coordinates is '', which is not a number"),
        ("1,2,nan,4,5,6", "value 2 of the coordinates is 'nan', which is not a number"),
        ("1,2,3,4", "feature 1: building_imcoords: 2 points; a polygon needs at least 3"),
        ([1, 2, 3], "coordinates must be one string 'x,y,x,y,...', not list"),
    ],
)
def test_wrong_coordinates_name_file_feature_and_fault(tmp_path: Path, text: object, message: str):
    path = write(tmp_path / "a.json", "EMPTY", text)
    with pytest.raises(DataError) as caught:
        read_polygons(path, "building_imcoords")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "has no list 'features' at its top level"),
        (
            '{"features": [{"properties": {"road_imcoords": ""}}]}',
            "feature 0: has no property 'building_imcoords' (properties found: road_imcoords)",
        ),
        ('{"features": [3]}', "feature 0: has no property 'building_imcoords' (properties found: none)"),
    ],
)
def test_wrong_files_are_named(tmp_path: Path, content: str, message: str):
    path = tmp_path / "b.json"
    path.write_text(content)
    with pytest.raises(DataError) as caught:
        read_polygons(path, "building_imcoords")
    assert str(path) in str(caught.value) and message in str(caught.value)


def test_convert_folder_writes_a_mask_for_each_image(tmp_path: Path):
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images/one.png"), np.zeros((5, 6, 3), np.uint8))
    write(tmp_path / "buildings/one.json", "1,1,3,1,3,3,1,3")
    write(tmp_path / "roads/one.json", "EMPTY", key="road_imcoords")
    assert convert_folder(tmp_path, progress=False) == 1
    mask = cv2.imread(str(tmp_path / "masks/one.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(mask, polygons_to_mask((5, 6), [SQUARE], []))


def test_convert_folder_names_what_is_missing(tmp_path: Path):
    with pytest.raises(DataError, match=r"images: no such folder; the images are expected in images/"):
        convert_folder(tmp_path, progress=False)
    (tmp_path / "images").mkdir()
    with pytest.raises(DataError, match=r"images: no images \(looked for \.png"):
        convert_folder(tmp_path, progress=False)
    cv2.imwrite(str(tmp_path / "images/one.png"), np.zeros((5, 6, 3), np.uint8))
    with pytest.raises(DataError, match=r"one\.json: the file does not exist"):
        convert_folder(tmp_path, progress=False)
    (tmp_path / "images/one.png").write_text("no picture")
    with pytest.raises(DataError, match=r"one\.png: cannot be read as an image"):
        convert_folder(tmp_path, progress=False)
