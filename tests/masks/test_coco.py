"""COCO files: areas and order by hand, and what can be wrong with them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segue.convert.annotations import CocoWriter, LabelMap
from segue.errors import DataError, LabelError
from segue.masks.coco import CocoReader
from segue.masks.names import Names
from segue.masks.rle import encode_rle
from segue.masks.trace import outlines
from tests.masks.scenes import CLASSES, NAMES, SIZE, label_map, write_json


def box(x: float, y: float, width: float, height: float) -> list[float]:
    return [x, y, x + width, y, x + width, y + height, x, y + height]


#: categories are not numbered from 1, nor without gaps
FILE: dict[str, Any] = {
    "images": [
        {"id": 7, "file_name": "a.png", "height": 6, "width": 8},
        {"id": 9, "file_name": "below/b.png", "height": 6, "width": 8},
    ],
    "categories": [{"id": 90, "name": "tree"}, {"id": 3, "name": "car"}, {"id": 44, "name": "road"}],
    "annotations": [
        {"id": 1, "image_id": 7, "category_id": 3, "segmentation": [box(2, 2, 2, 2)], "iscrowd": 0},
        {"id": 2, "image_id": 7, "category_id": 44, "segmentation": [box(0, 1, 8, 4)]},
        {"id": 3, "image_id": 7, "category_id": 90, "segmentation": [box(6, 0, 1, 2), box(7, 5, 5, 5)]},
    ],
}


def reader(tmp_path: Path, content: Any = None, names: Names = NAMES, **options: str) -> CocoReader:
    return CocoReader(write_json(tmp_path / "i.json", FILE if content is None else content), names, **options)


def read(coco: CocoReader, name: str = "a.png") -> np.ndarray:
    return coco.read(coco.place(name), name)


def changed(*keys: Any, value: Any) -> dict[str, Any]:
    content = copy.deepcopy(FILE)
    node: Any = content
    for key in keys[:-1]:
        node = node[key]
    node[keys[-1]] = value
    return content


def test_smaller_regions_lie_on_top(tmp_path: Path):
    """Oracle: by hand. The road (32 pixels) below the car (4) and the tree (2 and, cut off, 1), in any order."""
    expected = np.zeros((6, 8), int)
    expected[1:5] = 2
    expected[2:4, 2:4] = 1
    expected[0:2, 6] = 3
    expected[5, 7] = 3
    coco = reader(tmp_path)
    np.testing.assert_array_equal(read(coco), expected)
    assert (read(coco, "below/b.png") == 0).all()
    assert coco.listed() == ["a.png", "below/b.png"]
    assert CocoReader.labels_in([coco.root]) == ("car", "road", "tree")
    content = copy.deepcopy(FILE)
    content["annotations"].reverse()
    np.testing.assert_array_equal(read(reader(tmp_path, content)), expected)


def test_crowds_lie_below(tmp_path: Path):
    """Oracle: a small crowd of trees covers only what the larger road leaves."""
    crowd = np.zeros((6, 8), bool)
    crowd[0:2, 0:2] = True
    content = copy.deepcopy(FILE)
    content["annotations"][2] |= {"segmentation": encode_rle(crowd, compressed=False), "iscrowd": 1}
    mask = read(reader(tmp_path, content))
    assert mask[:2, :2].tolist() == [[3, 3], [2, 2]]
    assert read(reader(tmp_path, content, crowd="ignore"))[:2, :2].tolist() == [[255, 255], [2, 2]]


@pytest.mark.parametrize("seed", range(4))
def test_round_trip_of_run_lengths(tmp_path: Path, seed: int):
    """Oracle: the label map that was written."""
    labels = label_map(seed)
    writer = CocoWriter(tmp_path, {"classes": CLASSES}, 255)
    writer.add(LabelMap("a.png", labels))
    writer.close()
    coco = CocoReader(str(tmp_path / "annotations.json"), NAMES)
    np.testing.assert_array_equal(read(coco), labels)


@pytest.mark.parametrize("seed", range(4))
def test_round_trip_of_polygons(tmp_path: Path, seed: int):
    """Oracle: the label map, as outlines along the edges of pixels: what lies in a hole is the smaller region."""
    labels = label_map(seed, ignore=False)
    content = {
        "images": [{"id": 1, "file_name": "a.png", "height": SIZE[0], "width": SIZE[1]}],
        "categories": [{"id": 5 * i, "name": name} for i, name in enumerate(CLASSES)],
        "annotations": [
            {"image_id": 1, "category_id": 5 * value, "segmentation": [ring.ravel().tolist()]}
            for value, ring in reversed(outlines(labels))
        ],
    }
    np.testing.assert_array_equal(read(reader(tmp_path, content)), labels)


def test_categories_that_are_no_classes(tmp_path: Path):
    with pytest.raises(
        LabelError, match=r"i\.json: 'tree' \(1 annotations\) is none of the classes background, car, road"
    ):
        reader(tmp_path, names=Names(("background", "car", "road"))).listed()
    for others, value in (("ignore", 255), ("background", 0)):
        names = Names(("background", "car", "road"), others=others)
        assert read(reader(tmp_path, names=names))[5, 7] == value
    unused = changed("categories", 0, value={"id": 90, "name": "car"})
    assert reader(tmp_path, unused, Names(("background", "car", "road"))).listed()


IMAGE, NOTE = ("images", 0), ("annotations", 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            changed(*IMAGE, "file_name", value="../../etc/passwd"),
            "image 0: the file name '../../etc/passwd' leads out of",
        ),
        (changed(*IMAGE, "file_name", value="/etc/passwd"), "image 0: the file name '/etc/passwd' leads out of"),
        (changed(*IMAGE, "file_name", value="c:\\x.png"), "leads out of the folder of the images"),
        (changed(*IMAGE, "file_name", value=3), "image 0: a file name is a text, got 3"),
        (
            changed(*IMAGE, "file_name", value="below/b.png"),
            "image 1: the name 'below/b.png' or the id 9 is there twice",
        ),
        (changed(*IMAGE, "height", value=10**9), "image 0 (a.png): an image of 8 x 1000000000 pixels cannot be meant"),
        (changed(*IMAGE, "height", value="6"), "image 0 (a.png): an image of 8 x 6 pixels cannot be meant"),
        (changed(*NOTE, "image_id", value=5), "annotation 1: its image_id is that of no image"),
        (changed(*NOTE, "image_id", value=[7]), "annotation 1: its image_id is that of no image"),
        (changed(*NOTE, "category_id", value=5), "annotation 1: its category_id 5 is that of no category"),
        (changed(*NOTE, "segmentation", value=[]), "annotation 1: has neither a segmentation nor a box"),
        (changed(*NOTE, "segmentation", value=[[1, 2, 3]]), "annotation 2: polygon 0: coordinates are x, y, x, y, ..."),
        (changed(*NOTE, "segmentation", value=[[1, 2, 3, 4]]), "annotation 2: polygon 0: 2 points, at least 3"),
        (changed(*NOTE, "segmentation", value=[[1, 2, 3, 4, None, 6]]), "polygon 0: point 2 is [None, 6]; coordinates"),
        (
            changed(*NOTE, "segmentation", value={"size": [6, 8], "counts": [10**12]}),
            "annotation 2: its run lengths make",
        ),
        (changed(*NOTE, "segmentation", value="abc"), "annotation 2: a segmentation is a list of polygons"),
        (changed("categories", 1, "id", value=90), "two categories have the id 90: 'tree' and 'car'"),
        (changed("categories", 1, "name", value=None), "category 1 needs an 'id' (a number) and a 'name'"),
        ({"images": [], "categories": []}, "has no list 'annotations' at its top level (it has images, categories)"),
    ],
)
def test_faults(tmp_path: Path, content: Any, message: str):
    with pytest.raises(DataError) as caught:
        read(reader(tmp_path, content))
    assert "i.json" in str(caught.value) and message in str(caught.value)
