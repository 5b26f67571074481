"""segue convert masks: the written label maps are those that the annotations mean, or nothing is written.

Oracle: `tests.masks.layouts`.
"""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from segue.cli import main
from segue.convert.masks import convert_masks, convert_polygons
from segue.datasets.folder import FolderDataset
from segue.errors import DataError, InputError, LabelError
from segue.images.read import write_png
from segue.masks.decode import read_mask
from tests.masks import layouts
from tests.masks.layouts import LAYOUTS
from tests.masks.scenes import CLASSES, NAMES, SIZE, picture


def check(out: Path, maps: layouts.Maps) -> None:
    written = {path.relative_to(out).with_suffix("").as_posix(): read_mask(path) for path in sorted(out.rglob("*.png"))}
    assert sorted(written) == sorted(maps)
    for name, labels in maps.items():
        np.testing.assert_array_equal(written[name], labels)


@pytest.mark.parametrize("name", [*LAYOUTS, "mat", "voc", "binary", "npy"])
def test_index_pngs(name: str, tmp_path: Path):
    if name == "geojson":
        pytest.importorskip("rasterio", reason="an optional extra: geo")
    (tmp_path / "mine").mkdir()
    maps = getattr(layouts, name)(tmp_path / "mine")
    done = convert_masks(tmp_path / "mine", tmp_path / "out")
    check(tmp_path / "out", maps)
    content = json.loads((tmp_path / "out/classes.json").read_text())
    assert content["classes"] == list(done.classes) and content["ignore_index"] == 255 and done.count == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "out"]


@pytest.mark.parametrize("to", ["palette", "coco", "labelme"])
def test_other_formats_come_back(to: str, tmp_path: Path):
    """Oracle: the printed dataset gives the label maps that were converted."""
    maps = layouts.labelme(tmp_path / "mine")
    done = convert_masks(tmp_path / "mine", tmp_path / "out", to=to)
    [line] = done.lines
    assert line.startswith("all: dict(type='FolderDataset', images=")
    masks = tmp_path / "out" / ("annotations.json" if to == "coco" else "")
    dataset = FolderDataset(images=str(tmp_path / "mine"), masks=str(masks), classes=CLASSES)
    for i, labels in enumerate(maps.values()):
        np.testing.assert_array_equal(read_mask(dataset.get_data_info(i)["seg_map_path"]), labels)
    if to == "palette":
        with Image.open(tmp_path / "out/a.png") as picture:
            assert picture.mode == "P"


def test_colors_with_a_list_of_classes(tmp_path: Path):
    """Oracle: the label maps; classes.json is of the kind that is written beside results."""
    maps = layouts.rgb(tmp_path / "mine")
    (tmp_path / "c.json").write_text(json.dumps({"classes": CLASSES, "palette": NAMES.palette}))
    convert_masks(tmp_path / "mine", tmp_path / "out", mask_format="rgb", classes=str(tmp_path / "c.json"))
    check(tmp_path / "out", maps)
    (tmp_path / "c.txt").write_text("background\ncar\n")
    with pytest.raises(InputError, match=r"one color for each of the 2 classes|not in the palette"):
        convert_masks(
            tmp_path / "mine",
            tmp_path / "2",
            mask_format="rgb",
            classes=str(tmp_path / "c.txt"),
            palette=[[1, 1, 1]] * 2,
        )


def test_splits_have_folders(tmp_path: Path):
    for split in ("train", "val"):
        layouts.labelme(tmp_path / "mine" / split / "images")
    done = convert_masks(tmp_path / "mine", tmp_path / "out")
    assert [line.split(":")[0] for line in done.lines] == ["train", "val"] and done.count == 4
    names = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.png"))
    assert names == ["train/a.png", "train/b.png", "val/a.png", "val/b.png"]


def test_ids_above_255_are_written_in_16_bits(tmp_path: Path):
    """Oracle: 300 classes; unlabeled is 65535 then."""
    picture(tmp_path / "mine/images/a.png")
    labels = (np.arange(SIZE[0] * SIZE[1]) % 300).reshape(SIZE).astype(np.uint16)
    write_png(tmp_path / "mine/masks/a.png", labels)
    convert_masks(tmp_path / "mine", tmp_path / "out", classes=[f"c{i}" for i in range(300)])
    check(tmp_path / "out", {"a": labels})
    with Image.open(tmp_path / "out/a.png") as written:
        assert written.mode.startswith("I")
    assert json.loads((tmp_path / "out/classes.json").read_text())["ignore_index"] == 65535


def test_a_file_of_annotations(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    maps = layouts.coco(tmp_path / "mine")
    file = str(tmp_path / "mine/annotations/annotations.json")
    assert main(["convert", "masks", file, str(tmp_path / "out")]) == 0
    check(tmp_path / "out", maps)
    assert f"2 label maps of 4 classes in {tmp_path / 'out'}. As datasets of a config:" in capsys.readouterr().out
    (tmp_path / "mine/images").rename(tmp_path / "elsewhere")
    assert main(["convert", "masks", file, str(tmp_path / "o2")]) == 1
    assert "where are its images? Name their folder: --images FOLDER" in capsys.readouterr().err
    images = ["--images", str(tmp_path / "elsewhere"), "--classes", *CLASSES]
    assert main(["convert", "masks", file, str(tmp_path / "o2"), *images]) == 0
    check(tmp_path / "o2", maps)


def test_instances_beside_their_images(tmp_path: Path):
    """Oracle: the union of the masks; the format must be named."""
    image = tmp_path / "mine/n.png"
    picture(image)
    for i in range(2):
        mask = np.zeros(SIZE, np.uint8)
        mask[5 * i : 5 * i + 4, 3:9] = 255
        write_png(tmp_path / f"mine/n_mask_{i}.png", mask)
    convert_masks(tmp_path / "mine", tmp_path / "out", mask_format="instances", classes=["background", "cell"])
    expected = np.zeros(SIZE, np.uint8)
    expected[0:4, 3:9] = expected[5:9, 3:9] = 1
    check(tmp_path / "out", {"n": expected})


def test_faults_leave_nothing_behind(tmp_path: Path):
    layouts.labelme(tmp_path / "mine")
    with pytest.raises(LabelError, match=r"a\.json: .* none of the classes background, car"):
        convert_masks(tmp_path / "mine", tmp_path / "out", classes=["background", "car"])
    (tmp_path / "mine/b.json").write_text("{")
    with pytest.raises(DataError, match=r"b\.json: is not JSON"):
        convert_masks(tmp_path / "mine", tmp_path / "out", classes=CLASSES)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("")
    with pytest.raises(InputError, match=r"out: is there already; name a new folder, or move it away"):
        convert_masks(tmp_path / "mine", tmp_path / "out")
    with pytest.raises(InputError, match=r"--to svg: possible are index, palette, coco, labelme"):
        convert_masks(tmp_path / "mine", tmp_path / "o", to="svg")
    with pytest.raises(InputError, match=r"there is no format 'cocoo'; did you mean 'coco'\?"):
        convert_masks(tmp_path / "mine", tmp_path / "o", mask_format="cocoo")
    with pytest.raises(InputError, match=r"nowhere: no such file or folder"):
        convert_masks(tmp_path / "nowhere", tmp_path / "o")
    with pytest.raises(DataError, match=r"c\.json: cannot read class names"):
        convert_masks(tmp_path / "mine", tmp_path / "o", classes=str(tmp_path / "c.json"))


def town(root: Path) -> np.ndarray:
    """An image with a square building and a road over it; the mask, drawn by hand."""
    (root / "images").mkdir(parents=True)
    cv2.imwrite(str(root / "images/one.png"), np.zeros((5, 6, 3), np.uint8))
    for kind, text in (("building", "1,1,3,1,3,3,1,3"), ("road", "0,3,5,3,5,4,0,4")):
        (root / f"{kind}s").mkdir()
        content = {"features": [{"properties": {f"{kind}_imcoords": text}}]}
        (root / f"{kind}s/one.json").write_text(json.dumps(content))
    return np.array([[0] * 6, [0, 1, 1, 1, 0, 0], [0, 1, 1, 1, 0, 0], [2] * 6, [2] * 6])


def test_convert_polygons_is_an_alias(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``segue convert polygons ROOT``: the classes of the town, masks in ROOT/masks, again as often as one likes."""
    expected = town(tmp_path)
    for _ in range(2):
        assert main(["convert", "polygons", str(tmp_path)]) == 0
        said = capsys.readouterr().out
        assert f"1 masks in {tmp_path / 'masks'} (0 background, 1 building, 2 road)" in said
        mask = cv2.imread(str(tmp_path / "masks/one.png"), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(mask, expected)
        assert sorted(path.name for path in (tmp_path / "masks").iterdir()) == ["classes.json", "one.png"]
    assert main(["convert", "polygons", str(tmp_path), "--out", str(tmp_path / "other")]) == 0
    assert (tmp_path / "other/one.png").read_bytes() == (tmp_path / "masks/one.png").read_bytes()


def test_convert_polygons_names_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="images: no such folder; the images are expected there, beside buildings/"):
        convert_polygons(tmp_path)
    town(tmp_path)
    (tmp_path / "images/one.png").write_text("no picture")
    with pytest.raises(DataError, match=r"one\.png: cannot read the size of the image"):
        convert_polygons(tmp_path)
    assert not (tmp_path / "masks").exists()
