"""Which format it is, and the small parts that all formats share."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segue.errors import DataError, InputError, LabelError
from segue.masks.decode import read_mask
from segue.masks.formats import READERS, reader_of, recognize
from segue.masks.names import Names, with_background
from segue.masks.path import MaskPath
from segue.masks.size import image_size
from tests.masks.scenes import NAMES, picture, write_json

FEATURE = {"geometry": {"type": "Polygon", "coordinates": []}, "properties": {}}
CONTENTS: dict[str, Any] = {
    "labelme": {"shapes": []},
    "coco": {"images": [], "annotations": []},
    "polygons": {"features": [{"properties": {"road_imcoords": "EMPTY"}}]},
    "geojson": {"type": "FeatureCollection", "features": [FEATURE]},
}


@pytest.mark.parametrize("name", CONTENTS)
def test_json_is_told_by_its_contents(name: str, tmp_path: Path):
    path = write_json(tmp_path / "l/a.json", CONTENTS[name])
    write_json(tmp_path / "l/Classes.json", {})
    assert recognize(path, []) == name
    assert recognize(str(tmp_path / "l"), ["Classes.json", "a.json", "b.png"]) == name


def test_other_files(tmp_path: Path):
    (tmp_path / "a.txt").write_text("0 0.1 0.1 0.2 0.1 0.2 0.2\n")
    assert recognize(str(tmp_path), ["a.txt"]) == "yolo"
    assert recognize(str(tmp_path), ["a.mat"]) == "mat"
    assert recognize(str(tmp_path), ["x/images/x.png", "x/masks/1.png"], True) == "instances"
    assert recognize(str(tmp_path), ["a.png"]) is None
    (tmp_path / "b.txt").write_text("train\nval\n")
    with pytest.raises(DataError, match=r"b\.txt: not YOLO polygons, whose lines are 'class x y x y \.\.\.'"):
        recognize(str(tmp_path / "b.txt"), [])
    write_json(tmp_path / "c.json", {"version": 1})
    with pytest.raises(DataError, match=r"c\.json: is none of the formats labelme, .* \(it has version\)\. Export"):
        recognize(str(tmp_path / "c.json"), [])


def test_names_and_arguments():
    assert reader_of("index", "") is None
    reader = reader_of({"type": "labelme", "line_width": 3, "others": "ignore"}, "root", NAMES)
    assert reader is not None and reader.names.others == "ignore" and vars(reader)["line_width"] == 3
    with pytest.raises(InputError, match=r"mask_format: there is no format 'labelmee'; did you mean 'labelme'\?"):
        reader_of("labelmee", "")
    with pytest.raises(InputError, match=r"mask_format is a name or dict\(type=name, \.\.\.\), got 3"):
        reader_of(3, "")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"mask_format: 'labelme' takes line_width, point_size, others; got 'width'"):
        reader_of({"type": "labelme", "width": 3}, "")
    with pytest.raises(InputError, match=r"others must be 'error', 'ignore' or 'background', got 'x'"):
        reader_of({"type": "coco", "others": "x"}, "", NAMES)
    with pytest.raises(InputError, match=r"is a single class.*classes=\['background', 'car'\]"):
        reader_of("coco", "", Names(("car",)))
    with pytest.raises(InputError, match=r"others='background' needs a class 'background'"):
        reader_of({"type": "coco", "others": "background"}, "", Names(("car", "road")))


@pytest.mark.parametrize("name", READERS)
def test_every_format_is_documented(name: str):
    text = (Path(__file__).parents[2] / "docs" / "masks.md").read_text(encoding="utf-8")
    assert f"`{name}`" in text


def test_more_classes_than_a_byte_holds():
    names = Names(tuple(f"c{i}" for i in range(300)), ignore=65535)
    assert names.blank((2, 2)).dtype == np.int32 and (names.blank((2, 2)) == 65535).all()
    assert NAMES.blank((2, 2)).dtype == np.uint8


def test_labels_left_out_are_ignored():
    names = Names(("car", "road"), left_out=frozenset({"tree"}))
    assert names.ids({"tree": 1, "void": 1, "road": 2}, "here") == {"tree": 255, "void": 255, "road": 1}
    with pytest.raises(
        LabelError, match=r"here: 'bus' \(2 annotations\), 'sky' \(1 annotations\) are none of the classes"
    ):
        names.ids({"bus": 2, "sky": 1}, "here")
    assert with_background(("a",)) == ("background", "a")
    assert with_background(("a", "_background_")) == ("a", "_background_")


def test_a_path_reads_itself_here_and_is_a_name_elsewhere(tmp_path: Path):
    place = write_json(tmp_path / "a.json", {"shapes": [], "imageHeight": 2, "imageWidth": 3})
    path = MaskPath(place, "a.png", READERS["labelme"](str(tmp_path), NAMES))
    assert read_mask(path).tolist() == [[0, 0, 0], [0, 0, 0]]
    assert path == place and path.files == (place,)
    assert copy.deepcopy({"seg_map_path": path})["seg_map_path"] is path
    sent = pickle.loads(pickle.dumps(path))
    assert sent == place and type(sent) is str


def test_sizes_from_headers(tmp_path: Path):
    """Oracle: what was written; an EXIF orientation of 6 lies on its side."""
    assert image_size(picture(tmp_path / "a.png", (5, 7))) == (5, 7)
    np.save(tmp_path / "a.npy", np.zeros((4, 9, 3), np.uint8))
    assert image_size(tmp_path / "a.npy") == (4, 9)
    turned = Image.new("RGB", (7, 5))
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(tmp_path / "a.jpg", exif=exif)
    assert image_size(tmp_path / "a.jpg") == (7, 5)
    Image.new("I;16", (7, 5)).save(tmp_path / "a.tif")
    assert image_size(tmp_path / "a.tif") == (5, 7)
    with pytest.raises(DataError, match=r"b\.png: the file does not exist"):
        image_size(tmp_path / "b.png")
    (tmp_path / "b.png").write_text("no picture")
    with pytest.raises(DataError, match=r"b\.png: cannot read the size of the image"):
        image_size(tmp_path / "b.png")
