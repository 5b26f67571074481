"""labelme files: each kind of shape by hand, order, size, and what can be wrong with them."""

from __future__ import annotations

import base64
from pathlib import Path

import cv2
import numpy as np
import pytest

from segue.convert.annotations import LabelMap, LabelmeWriter
from segue.errors import DataError, InputError, LabelError
from segue.masks.labelme import LabelmeReader
from tests.masks.scenes import CLASSES, NAMES, label_map, picture, write_json


def shape(label: str, points: list, kind: str | None = "polygon", **more: object) -> dict:
    return {"label": label, "points": points, "shape_type": kind, **more}


def read(tmp_path: Path, *shapes: object, size: tuple[int, int] | None = (6, 8), **options: float) -> np.ndarray:
    sides = (
        {"imageHeight": None, "imageWidth": None}
        if size is None
        else dict(zip(["imageHeight", "imageWidth"], size, strict=True))
    )
    path = write_json(tmp_path / "a.json", {"shapes": list(shapes), **sides})
    return LabelmeReader(str(tmp_path), NAMES, **options).read(path, str(tmp_path / "a.png"))


def test_polygon_over_rectangle(tmp_path: Path):
    """Oracle: by hand. The rectangle (1, 1) (5, 4) given from its lower right, the later polygon over its last row."""
    mask = read(
        tmp_path, shape("car", [[5, 4], [1, 1]], "rectangle"), shape("road", [[0, 3], [8, 3], [8, 6], [0, 6]], None)
    )
    expected = np.zeros((6, 8), int)
    expected[1:3, 1:5] = 1
    expected[3:] = 2
    np.testing.assert_array_equal(mask, expected)
    assert mask.dtype == np.uint8


@pytest.mark.parametrize("kind", ["rectangle", "rotation", "quadrilateral", "polygon"])
def test_four_corners(tmp_path: Path, kind: str):
    """Oracle: by hand; AnyLabeling writes rectangles with four corners, X-AnyLabeling turned ones."""
    mask = read(tmp_path, shape("car", [[1, 1], [5, 1], [5, 4], [1, 4]], kind, direction=0.4))
    expected = np.zeros((6, 8), int)
    expected[1:4, 1:5] = 1
    np.testing.assert_array_equal(mask, expected)


def test_circle_line_and_points(tmp_path: Path):
    """Oracle: by hand; discs of radius 1 around a center are five pixels, a line of width 2 along a row two rows."""
    circle = read(tmp_path, shape("car", [[2.5, 2.5], [3.5, 2.5]], "circle"))
    np.testing.assert_array_equal(np.argwhere(circle == 1), [[1, 2], [2, 1], [2, 2], [2, 3], [3, 2]])
    for kind in ("line", "linestrip"):
        line = read(tmp_path, shape("road", [[-5, 3], [20, 3]], kind), line_width=2)
        np.testing.assert_array_equal(np.unique(np.argwhere(line == 2)[:, 0]), [2, 3])
    points = read(tmp_path, shape("tree", [[1.5, 1.5], [6.5, 4.5]], "points"), point_size=0.4)
    np.testing.assert_array_equal(np.argwhere(points == 3), [[1, 1], [4, 6]])
    assert (read(tmp_path, shape("tree", [[1.5, 1.5]], "point"), point_size=1) == 3).sum() == 5


def test_a_stored_mask_is_set_at_its_corner(tmp_path: Path):
    small = np.array([[0, 255], [255, 255]], np.uint8)
    text = base64.b64encode(cv2.imencode(".png", small)[1].tobytes()).decode()
    mask = read(tmp_path, shape("car", [[3, 2], [4, 3]], "mask", mask=text))
    np.testing.assert_array_equal(np.argwhere(mask == 1), [[2, 4], [3, 3], [3, 4]])
    with pytest.raises(
        DataError, match=r"shape 0 \(car\): its mask of 2 x 2 pixels at \(7, 2\) is not inside the image"
    ):
        read(tmp_path, shape("car", [[7, 2], [9, 3]], "mask", mask=text))
    with pytest.raises(DataError, match=r"shape 0 \(car\): its mask is no base64 text"):
        read(tmp_path, shape("car", [[1, 2], [9, 3]], "mask", mask="%%"))


def test_names_that_are_no_classes(tmp_path: Path):
    whole = [[0, 0], [8, 0], [8, 6], [0, 6]]
    assert (read(tmp_path, shape("car", whole), shape("_background_", whole)) == 0).all()
    assert (read(tmp_path, shape("car", whole), shape("__ignore__", whole)) == 255).all()
    with pytest.raises(
        LabelError,
        match=r"a\.json: 'caar' \(2 shapes\) is none of the classes background, car, road.*did you mean 'car'",
    ):
        read(tmp_path, shape("caar", whole), shape("caar", whole))


def test_the_size_is_that_of_the_image_where_the_file_has_none(tmp_path: Path):
    picture(tmp_path / "a.png", (9, 4))
    assert read(tmp_path, size=None).shape == (9, 4)
    with pytest.raises(DataError, match=r"a\.json: an image of 100000 x 100000 pixels cannot be meant"):
        read(tmp_path, size=(100000, 100000))


@pytest.mark.parametrize("seed", range(4))
def test_round_trip(tmp_path: Path, seed: int):
    """Oracle: the label map that was written, holes, borders and unlabeled pixels included."""
    labels = label_map(seed)
    LabelmeWriter(tmp_path, {"classes": CLASSES}, 255).add(LabelMap("a.png", labels))
    reader = LabelmeReader(str(tmp_path), NAMES)
    np.testing.assert_array_equal(reader.read(str(tmp_path / "a.json"), "a.png"), labels)
    there = {CLASSES[value] for value in np.unique(labels) if 0 < value < 255}
    assert LabelmeReader.labels_in([str(tmp_path / "a.json")]) == tuple(sorted(there))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (shape("car", [[1, 1], [2, 2]]), "shape 0 (car): 2 points, at least 3 are needed"),
        (
            shape("car", [[1, 1], [2, float("nan")], [3, 3]]),
            "shape 0 (car): point 1 is [2, nan]; coordinates are numbers",
        ),
        (
            shape("car", [[1, 1], [2, 1e30], [3, 3]]),
            "shape 0 (car): point 1 is [2, 1e+30]; coordinates are numbers up to",
        ),
        (shape("car", [[1, 1], ["2", 1], [3, 3]]), "shape 0 (car): point 1 is ['2', 1]; coordinates are numbers"),
        (shape("car", "here"), "shape 0 (car): points must be a list of [x, y] pairs, got 'here'"),
        (shape("car", [[1, 1]], "star"), "shape 0 (car): shape_type 'star' is none of polygon, rectangle"),
        (shape("car", [[1, 1], [2, 2], [3, 3]], "rectangle"), "shape 0 (car): a rectangle of 3 points; it has 2 or 4"),
        (shape("car", [[1, 1], [2, 2], [3, 3]], "line"), "shape 0 (car): a line of 3 points; it has 2"),
        (shape("car", [[1, 1], [2, 2], [3, 3]], "circle"), "shape 0 (car): a circle of 3 points; it has 2"),
        (shape("car", [[1, 1], [2, 2]], "point"), "shape 0 (car): a point of 2 points; it has 1"),
        (shape("car", [[1, 1], [2, 2], [3, 3]], "rotation"), "shape 0 (car): 3 points, at least 4 are needed"),
        (shape("car", [], "points"), "shape 0 (car): 0 points, at least 1 are needed"),
        ({"points": []}, "shape 0: has no label"),
        (7, "shape 0: has no label"),
    ],
)
def test_faults(tmp_path: Path, wrong: object, message: str):
    with pytest.raises(DataError) as caught:
        read(tmp_path, wrong)
    assert str(tmp_path / "a.json") in str(caught.value) and message in str(caught.value)


def test_other_files(tmp_path: Path):
    reader = LabelmeReader(str(tmp_path), NAMES)
    (tmp_path / "b.json").write_text("{")
    with pytest.raises(DataError, match=r"b\.json: is not JSON"):
        reader.read(str(tmp_path / "b.json"), "b.png")
    (tmp_path / "b.json").write_text("[" * 100000)
    with pytest.raises(DataError, match=r"b\.json: .*JSON"):
        reader.read(str(tmp_path / "b.json"), "b.png")
    write_json(tmp_path / "b.json", {"images": []})
    with pytest.raises(DataError, match=r"b\.json: has no list 'shapes' at its top level \(it has images\)"):
        reader.read(str(tmp_path / "b.json"), "b.png")
    with pytest.raises(InputError, match="line_width=0"):
        LabelmeReader("", NAMES, line_width=0)
