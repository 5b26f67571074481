"""Annotation files of CVAT, Label Studio, VIA, Supervisely, ISAT and Cityscapes.

Oracle: pixels by hand; run lengths are written here bit by bit, after the published descriptions.
"""

from __future__ import annotations

import base64
import io
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segue.errors import DataError
from segue.masks.cityscapes import CityscapesReader
from segue.masks.cvat import CvatReader
from segue.masks.formats import recognize
from segue.masks.isat import IsatReader
from segue.masks.label_studio import LabelStudioReader, decode_brush
from segue.masks.supervisely import SuperviselyReader
from segue.masks.via import ViaReader
from tests.masks.scenes import NAMES, write_json

SIZE = (6, 8)
SQUARE = np.zeros(SIZE, int)
SQUARE[1:4, 2:6] = 1


def cvat(tmp_path: Path, shapes: str, **options: Any) -> np.ndarray:
    path = tmp_path / "annotations.xml"
    path.write_text(f'<annotations><image id="0" name="sub/a.png" width="8" height="6">{shapes}</image></annotations>')
    reader = CvatReader(str(path), NAMES, **options)
    assert reader.chosen(["a.png", "b.png"]) == ["a.png"]
    return reader.read(reader.place("a.png"), "a.png")


CVAT = {
    "polygon": '<polygon label="car" points="2,1;6,1;6,4;2,4" z_order="0"/>',
    "mask": '<mask label="car" rle="0, 12" left="2" top="1" width="4" height="3" z_order="0"/>',
}


@pytest.mark.parametrize("name", CVAT)
def test_cvat(name: str, tmp_path: Path) -> None:
    np.testing.assert_array_equal(cvat(tmp_path, CVAT[name]), SQUARE)
    assert recognize(str(tmp_path / "annotations.xml"), []) == "cvat"


def test_cvat_order_boxes_and_others(tmp_path: Path) -> None:
    lower = '<polygon label="road" points="0,0;8,0;8,6;0,6" z_order="0"/>'
    over = '<polygon label="car" points="2,1;6,1;6,4;2,4" z_order="1"/>'
    np.testing.assert_array_equal(cvat(tmp_path, over + lower), np.where(SQUARE, 1, 2))
    box = '<box label="car" xtl="2" ytl="1" xbr="6" ybr="4"/>'
    with pytest.raises(DataError, match=r"a\.png: 1 of 2 annotations are boxes.*type='cvat', boxes='ignore'"):
        cvat(tmp_path, lower + box)
    np.testing.assert_array_equal(cvat(tmp_path, box, boxes="draw"), SQUARE)
    np.testing.assert_array_equal(cvat(tmp_path, box, boxes="ignore"), SQUARE * 255)
    circle = cvat(tmp_path, '<ellipse label="car" cx="2.5" cy="2.5" rx="1.2" ry="1.2"/>')
    np.testing.assert_array_equal(np.argwhere(circle == 1), [[1, 2], [2, 1], [2, 2], [2, 3], [3, 2]])
    for kind in ("polyline", "points", "cuboid", "skeleton"):
        with pytest.raises(DataError, match=rf"{kind} 0 \(car\): a {kind} covers no pixels"):
            cvat(tmp_path, f'<{kind} label="car" points="1,1;2,2"/>')
    with pytest.raises(DataError, match="its run lengths make 3 pixels, its rectangle has 12"):
        cvat(tmp_path, '<mask label="car" rle="3" left="2" top="1" width="4" height="3"/>')
    with pytest.raises(DataError, match=r"points are .x,y;x,y;\.\.\.., got .1,1;x,2;3,3."):
        cvat(tmp_path, '<polygon label="car" points="1,1;x,2;3,3"/>')


def test_cvat_files_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    for text, message in (
        ("<annotations>", "is not XML"),
        ("<annotation><object/></annotation>", "not the <annotations>"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><annotations/>', "no document type and no entities"),
        ("<annotations><track/></annotations>", "holds tracks of a video"),
    ):
        path.write_text(text)
        with pytest.raises(DataError, match=message):
            CvatReader.entries(str(path))
    path.write_text("<annotation><object/></annotation>")  # as in VOC
    assert recognize(str(tmp_path), ["a.xml"]) is None


def brush(covered: np.ndarray) -> list[int]:
    """The alpha of an RGBA picture as run lengths of words of 8 bits and counts of 3, 4, 8 and 16."""
    values = np.zeros((*covered.shape, 4), np.uint8)
    values[covered] = 255
    flat = values.ravel().tolist()
    bits = f"{len(flat):032b}" + f"{8 - 1:05b}" + "".join(f"{size - 1:04b}" for size in (3, 4, 8, 16))
    place = 0
    while place < len(flat):
        end = place
        while end < len(flat) and flat[end] == flat[place] and end - place < 256:
            end += 1
        if end - place > 1:
            bits += "1" + "10" + f"{end - place - 1:08b}" + f"{flat[place]:08b}"
        else:  # one value by itself
            bits += "0" + "00" + "000" + f"{flat[place]:08b}"
        place = max(end, place + 1)
    bits += "0" * (-len(bits) % 8)
    return [int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)]


@pytest.mark.parametrize("seed", range(3))
def test_brushes(seed: int) -> None:
    covered = np.random.default_rng(seed).random((13, 17)) < 0.4
    np.testing.assert_array_equal(decode_brush(brush(covered), covered.shape, "a"), covered)


def test_brushes_that_are_none() -> None:
    rle = brush(SQUARE == 1)
    with pytest.raises(DataError, match=r"a: its run lengths are of 192 values, an image of 9 x 6 has 216"):
        decode_brush(rle, (6, 9), "a")
    with pytest.raises(DataError, match=r"a: its run lengths end after \d+ of 192 values"):
        decode_brush(rle[:12], SIZE, "a")
    with pytest.raises(DataError, match="must be a list of bytes"):
        decode_brush([1, 300], SIZE, "a")


def studio(tmp_path: Path, *results: dict, image: str = "/data/upload/1/1a2b3c4d-a.png", **more: Any) -> np.ndarray:
    given = [{"original_width": 8, "original_height": 6, "image_rotation": 0, **result} for result in results]
    tasks = [{"data": {"image": image}, "annotations": [{"result": given}], **more}]
    path = write_json(tmp_path / "p.json", tasks)
    reader = LabelStudioReader(path, NAMES, boxes="draw")
    assert recognize(path, []) == "labelstudio" and reader.chosen(["a.png"]) == ["a.png"]
    return reader.read(reader.place("a.png"), "a.png")


def test_label_studio(tmp_path: Path) -> None:
    points = [[25, 100 / 6], [75, 100 / 6], [75, 400 / 6], [25, 400 / 6]]
    polygon = {"type": "polygonlabels", "value": {"points": points, "polygonlabels": ["car"]}}
    strokes = {"type": "brushlabels", "value": {"format": "rle", "rle": brush(SQUARE == 1), "brushlabels": ["car"]}}
    box = {"x": 25, "y": 100 / 6, "width": 50, "height": 50, "rotation": 0, "rectanglelabels": ["car"]}
    rectangle = {"type": "rectanglelabels", "value": box}
    for result in (polygon, strokes, rectangle):
        np.testing.assert_array_equal(studio(tmp_path, result), SQUARE)
    choice = {"type": "choices", "value": {"choices": ["good"]}}
    for image in ("a.png", "/data/local-files/?d=x/a.png", "https://host.example/x/a.png?token=1", "s3://b/c/a.png"):
        np.testing.assert_array_equal(studio(tmp_path, polygon, choice, image=image), SQUARE)
    with pytest.raises(DataError, match=r"region 0: its type 'keypointlabels' is none of polygonlabels"):
        studio(tmp_path, {"type": "keypointlabels", "value": {}})
    with pytest.raises(DataError, match=r"a\.png: 2 annotations of one image.*annotation='first'"):
        sized = {**polygon, "original_width": 8, "original_height": 6}
        studio(tmp_path, annotations=[{"result": [sized]}] * 2)


VIA_POLYGON = {"name": "polygon", "all_points_x": [2, 6, 6, 2], "all_points_y": [1, 1, 4, 4]}
VIA_SHAPES = {
    "polygon": VIA_POLYGON,
    "rect": {"name": "rect", "x": 2, "y": 1, "width": 4, "height": 3},
}


@pytest.mark.parametrize("kind", VIA_SHAPES)
@pytest.mark.parametrize("form", ["1", "2", "project", "csv", "3"])
def test_via(kind: str, form: str, tmp_path: Path) -> None:
    """Oracle: the same square in each version of the tool."""
    shape, attributes = VIA_SHAPES[kind], {"class": "car"}
    region = {"shape_attributes": shape, "region_attributes": attributes}
    item: dict[str, Any] = {"filename": "a.png", "size": 9, "regions": {"0": region} if form == "1" else [region]}
    path = tmp_path / ("v.csv" if form == "csv" else "v.json")
    if form == "csv":
        cells = ["a.png", "9", "{}", "1", "0", json.dumps(shape), json.dumps(attributes)]
        head = "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes"
        path.write_text(head + "\n" + ",".join('"' + cell.replace('"', '""') + '"' for cell in cells) + "\n")
    elif form == "3":
        xy = [7, 2, 1, 6, 1, 6, 4, 2, 4] if kind == "polygon" else [2, 2, 1, 4, 3]
        content = {
            "file": {"1": {"fname": "a.png"}},
            "view": {"1": {"fid_list": ["1"]}},
            "attribute": {"1": {"aname": "class", "options": {"x": "car"}}},
            "metadata": {"1_a": {"vid": "1", "xy": xy, "av": {"1": "x"}}, "1_b": {"vid": "1", "xy": [], "av": {}}},
        }
        write_json(path, content)
    else:
        write_json(path, {"_via_img_metadata": {"k": item}} if form == "project" else {"a.png9": item})
    assert recognize(str(path), []) == "via" and ViaReader.labels_in([str(path)]) == ("car",)
    reader = ViaReader(str(path), NAMES)
    assert reader.chosen(["a.png"]) == ["a.png"]
    np.testing.assert_array_equal(drawn(reader), SQUARE)


def drawn(reader: ViaReader) -> np.ndarray:
    """VIA states no size of images."""
    entry = reader._read()["a.png"]
    entry.size = SIZE
    return reader.read(reader.place("a.png"), "a.png")


def test_via_attributes(tmp_path: Path) -> None:
    def labels(*attributes: Any, attribute: str | None = None) -> tuple[str, ...]:
        regions = [{"shape_attributes": VIA_POLYGON, "region_attributes": a} for a in attributes]
        path = write_json(tmp_path / "v.json", {"a": {"filename": "a", "regions": regions}})
        return ViaReader.labels_in([path], attribute)

    assert labels({"kind": {"car": True, "tree": False}}, {"kind": "road"}) == ("car", "road")
    assert labels({}) == ("object",)
    assert labels({"note": "x", "label": "car"}) == ("car",)
    with pytest.raises(DataError, match=r"a: region 0: which of the attributes note, kind is the class\?.*attribute="):
        labels({"note": "x", "kind": "car"})
    assert labels({"note": "x", "kind": "car"}, attribute="kind") == ("car",)
    with pytest.raises(DataError, match="names no class or several"):
        labels({"kind": {"car": True, "tree": True}})


def test_supervisely(tmp_path: Path) -> None:
    """Oracle: a hole in a polygon, and a picture at its origin."""

    def read(*objects: Any) -> np.ndarray:
        path = write_json(tmp_path / "a.png.json", {"size": {"height": 6, "width": 8}, "objects": list(objects)})
        assert recognize(path, []) == "supervisely"
        reader = SuperviselyReader(str(tmp_path), NAMES)
        assert reader.place("a.png") == path
        return reader.read(path, "a.png")

    exterior = [[2, 1], [6, 1], [6, 4], [2, 4]]
    hole = {"exterior": exterior, "interior": [[[3, 2], [5, 2], [5, 3], [3, 3]]]}
    expected = SQUARE.copy()
    expected[2, 3:5] = 0
    polygon = {"classTitle": "car", "geometryType": "polygon", "points": hole}
    np.testing.assert_array_equal(read(polygon), expected)
    corners = {"classTitle": "car", "geometryType": "rectangle", "points": {"exterior": [[6, 1], [2, 4]]}}
    np.testing.assert_array_equal(read(corners), SQUARE)
    buffer = io.BytesIO()
    Image.fromarray(np.ones((3, 4), bool)).save(buffer, format="PNG")
    data = base64.b64encode(zlib.compress(buffer.getvalue())).decode()
    bitmap = {"classTitle": "car", "geometryType": "bitmap", "bitmap": {"data": data, "origin": [2, 1]}}
    np.testing.assert_array_equal(read(bitmap), SQUARE)
    with pytest.raises(DataError, match="its bitmap cannot be unpacked"):
        read({**bitmap, "bitmap": {"data": "%%", "origin": [2, 1]}})
    with pytest.raises(DataError, match=r"object 0 \(car\): a line covers no pixels"):
        read({**polygon, "geometryType": "line"})


def test_isat_and_cityscapes(tmp_path: Path) -> None:
    """Oracle: the higher layer lies on top; a group is of its members' class; what is deleted is not there."""
    square, whole = [[2, 1], [6, 1], [6, 4], [2, 4]], [[0, 0], [8, 0], [8, 6], [0, 6]]
    objects = [
        {"category": "car", "segmentation": square, "layer": 2.0},
        {"category": "road", "segmentation": whole, "layer": 1.0},
    ]
    path = write_json(tmp_path / "a.json", {"info": {"width": 8, "height": 6}, "objects": objects})
    assert recognize(path, []) == "isat" and IsatReader.labels_in([path]) == ("car", "road")
    np.testing.assert_array_equal(IsatReader(str(tmp_path), NAMES).read(path, "a.png"), np.where(SQUARE, 1, 2))
    objects = [
        {"label": "road", "polygon": whole},
        {"label": "cargroup", "polygon": square},
        {"label": "tree", "polygon": whole, "deleted": 1},
        {"label": "ego vehicle", "polygon": [[0, 5], [8, 5], [8, 6], [0, 6]]},
    ]
    path = write_json(tmp_path / "c.json", {"imgWidth": 8, "imgHeight": 6, "objects": objects})
    assert recognize(path, []) == "cityscapes" and CityscapesReader.labels_in([path]) == ("car", "road")
    expected = np.where(SQUARE, 1, 2)
    expected[5] = 255
    np.testing.assert_array_equal(CityscapesReader(str(tmp_path), NAMES).read(path, "c.png"), expected)


def test_images_are_matched_by_what_their_names_end_with(tmp_path: Path) -> None:
    images = "".join(f'<image id="{i}" name="{n}" width="8" height="6"/>' for i, n in enumerate(("x/a.png", "y/a.png")))
    (tmp_path / "a.xml").write_text(f"<annotations>{images}</annotations>")
    reader = CvatReader(str(tmp_path / "a.xml"), NAMES)
    assert reader.chosen(["x/a.png", "y/a.png", "b.png"]) == ["x/a.png", "y/a.png"]
    shape = '<polygon label="car" points="2,1;6,1;6,4"/>'
    (tmp_path / "a.xml").write_text(
        f'<annotations><image id="0" name="c.png" width="8" height="6">{shape}</image></annotations>'
    )
    with pytest.raises(
        DataError, match=r"a\.xml: 1 of the 1 images that it names are missing: c\.png; the folder has b"
    ):
        CvatReader(str(tmp_path / "a.xml"), NAMES).chosen(["b.png"])
