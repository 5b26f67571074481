"""YOLO polygons."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segue.errors import DataError, LabelError
from segue.masks.trace import outlines
from segue.masks.yolo import YoloReader
from tests.masks.scenes import NAMES, SIZE, blocks, picture


def read(tmp_path: Path, text: str | None, size: tuple[int, int] = (4, 10)) -> np.ndarray:
    (tmp_path / "labels").mkdir(exist_ok=True)
    image = picture(tmp_path / "a.png", size)
    reader = YoloReader(str(tmp_path / "labels"), NAMES)
    if text is not None:
        Path(reader.place("a.png")).write_text(text)
    return reader.read(reader.place("a.png"), image)


def test_parts_of_width_and_height(tmp_path: Path):
    """Oracle: by hand. Class 1 is the second object, road; 0.2 to 0.5 of 10 columns, the upper half of 4 rows."""
    mask = read(tmp_path, "1 0.2 0 0.5 0 0.5 0.5 0.2 0.5\n\n0 0.4 0.25 1.1 0.25 1.1 0.5 0.4 0.5\n")
    expected = np.zeros((4, 10), int)
    expected[:2, 2:5] = 2
    expected[1, 4:] = 1
    np.testing.assert_array_equal(mask, expected)


def test_an_image_without_a_file_has_no_objects(tmp_path: Path):
    assert not read(tmp_path, None).any()


@pytest.mark.parametrize("seed", range(3))
def test_round_trip(tmp_path: Path, seed: int):
    """Oracle: blocks, since the format can say neither holes nor background."""
    labels = blocks(seed)
    lines = [
        f"{value - 1} " + " ".join(f"{x / SIZE[1]!r} {y / SIZE[0]!r}" for x, y in ring.tolist())
        for value, ring in outlines(labels)
        if value
    ]
    np.testing.assert_array_equal(read(tmp_path, "\n".join(lines), SIZE), labels)


def test_names(tmp_path: Path):
    read(tmp_path, "2 0 0 1 0 1 1\n")
    path = str(tmp_path / "labels/a.txt")
    assert YoloReader.labels_in([path]) == ("class_0", "class_1", "class_2")
    Path(path).write_text("999999999 0 0 1 0 1 1\n")
    with pytest.raises(DataError, match=r"class 999999999 cannot be meant; name the classes in data\.yaml"):
        YoloReader.labels_in([path])
    (tmp_path / "data.yaml").write_text("names: {0: cat, 1: dog}\n")
    assert YoloReader.labels_in([path]) == ("cat", "dog")
    (tmp_path / "data.yaml").write_text("names: 3\n")
    with pytest.raises(DataError, match=r"data\.yaml: 'names' must list the classes, got 3"):
        YoloReader.labels_in([path])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 0.5 0.5 0.1 0.1", "a.txt:1: 4 numbers after the class are a box; a polygon has at least 3 points"),
        ("0 0 0 1 0 1 1\n0 0 0 1 0 1", "a.txt:2: class 0 and 5 coordinates; x y pairs need an even number"),
        ("0 0 0 1 0 1 x", "a.txt:1: a line is 'class x y x y ...', got '0 0 0 1 0 1 x'"),
        ("0 0 0 1 0 1 nan", "a.txt:1: point 2 is [1.0, nan]; coordinates are numbers"),
        (
            "0 0 0 100 0 100 50",
            "a.txt:1: the coordinate 100 is far outside of 0..1; they are parts of the image's width",
        ),
        ("-1 0 0 1 0 1 1", "a.txt:1: class -1"),
    ],
)
def test_faults(tmp_path: Path, text: str, message: str):
    with pytest.raises(DataError) as caught:
        read(tmp_path, text)
    assert message in str(caught.value)


def test_a_class_too_many(tmp_path: Path):
    with pytest.raises(
        LabelError, match=r"a\.txt:1: class 3, but besides the background there are the 3 classes 0\.\.2: car"
    ):
        read(tmp_path, "3 0 0 1 0 1 1")
