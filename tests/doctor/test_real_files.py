"""Real reports and exports: each gives the right value, or a sentence with the way out.

Oracle: what `real_files` draws; the counts of `scene`, and of the outlines by hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from segue.cli import main
from segue.config import Config
from segue.datasets.base_seg import BaseSegDataset
from segue.datasets.folder import FolderDataset
from segue.doctor import check_config, check_folder
from segue.doctor.apply import apply
from segue.errors import DataError

from . import real_files as files

#: name: how it is drawn, classes (None: nobody names them), pixels per class of each split, kinds of errors, a
#: sentence among the findings
Case = tuple[Callable[[Path], None], tuple[str, ...] | None, list[list[int]], list[str], str]
CASES: dict[str, Case] = {
    "B01 CVAT mask 1.1": (files.cvat_masks, ("background", "leaf", "stem"), [files.FOUR], [], "labelmap.txt"),
    "B02 Roboflow masks": (
        files.roboflow_masks,
        ("background", "crack", "spalling"),
        [files.FOUR, files.TWO],
        [],
        "_classes.csv",
    ),
    "B03 nnU-Net": (files.nnunet, ("background", "vessel", "lesion"), [files.FOUR], [], "dataset.json"),
    "B04 Roboflow COCO": (
        files.roboflow_coco,
        ("background", "crack", "spalling"),
        [[2 * 5120 - 800, 400, 400]],
        [],
        "format coco",
    ),
    "B05 Roboflow YOLO": (
        files.roboflow_yolo,
        ("background", "crack", "spalling"),
        [[2 * 5120 - 320, 0, 320]],
        [],
        "format yolo",
    ),
    "B06 EXIF": (files.exif, None, [[17095, 2105, 2400]], ["size"], "turned by its EXIF orientation"),
    "B07 labelme 5.8": (
        files.labelme,
        ("background", "blob", "rect", "rect4", "turned"),
        [[9640, 252, 200, 48, 100]],
        [],
        "format labelme",
    ),
    "B08 CVAT XML": (files.cvat_xml, ("background", "Alien", "Rock"), [[9798, 22, 420]], [], "format cvat"),
    "B09 Label Studio": (
        files.label_studio,
        ("background", "crack"),
        [[0, 0]],
        ["corrupt-mask"],
        r"region 0 \(crack\): its run lengths end after 0 of 20480 values",
    ),
    "B10 Supervisely": (
        files.supervisely,
        ("background", "crack", "rock"),
        [[9760, 60, 420]],
        [],
        "format supervisely",
    ),
    "B11 VIA": (files.via, ("background", "crack", "rock"), [[9224, 600, 416]], [], "format via"),
    "B12 Cityscapes": (files.cityscapes, ("background", "car", "road"), [[6206, 600, 3434]], [], "format cityscapes"),
    "B13 COCO of CVAT": (files.coco_rle, ("background", "car", "tree"), [[19880, 200, 400]], [], "format coco"),
    "B13 a box": (
        files.coco_box,
        ("background", "car", "tree"),
        [[14760, 200, 400]],
        ["corrupt-mask"],
        r"1 of its 1 annotations have no segmentation, only a box.*dict\(type='coco', boxes='ignore'\)",
    ),
    "B13 two points": (
        files.coco_two_points,
        ("background", "car", "tree"),
        [[14760, 200, 400]],
        ["corrupt-mask"],
        r"#p2\.jpg: annotation 3: polygon 0: 2 points, at least 3 are needed",
    ),
    "B14 mixed suffixes": (files.mixed_suffixes, None, [[20510, 2360, 2730]], [], "3 classes"),
    "B15 blanks and umlauts": (files.names_with_blanks, None, [files.FOUR], [], "3 classes"),
    "B17 names like suffixes": (files.names_like_suffixes, None, [files.FOUR], [], "3 classes"),
    "B18 4 is unknown": (files.unknown_is_4, None, [[15084, 1958, 2158, 1280]], [], "4 values with gaps"),
    "B19 AppleDouble": (files.apple_double, None, [files.FOUR], [], "3 classes"),
    "B20 YOLO boxes": (
        files.yolo_boxes,
        ("background", "cat", "dog"),
        [[4880, 240, 0]],
        ["corrupt-mask"],
        r"p0\.txt:2: 4 numbers after the class are a box",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_real_file_gives_its_value_or_its_sentence(case: str, tmp_path: Path) -> None:
    make, classes, pixels, errors, sentence = CASES[case]
    make(tmp_path)
    report = check_folder(tmp_path)
    assert [finding.kind for finding in report.errors] == errors, [str(finding) for finding in report.findings]
    said = "\n".join(finding.message for finding in report.findings)
    assert re.search(sentence, said), said
    if classes is not None:
        assert {rules.classes for rules in report.mended} == {classes}
    counted = [[row["pixels"] for row in report.classes(index)] for index in range(len(report.sources))]
    assert counted == pixels or (counted == [[]] and not any(pixels[0])), counted
    assert all(source.pairs for source in report.sources)


@pytest.mark.parametrize("case", CASES)
def test_what_is_written_of_it_reads_the_same(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The config that --apply writes: checked again, the same errors but those that its lines mend."""
    monkeypatch.chdir(tmp_path)
    make, _, pixels, errors, _ = CASES[case]
    make(tmp_path / "mine")
    report = check_folder("mine")
    again = check_config(Config.fromfile(apply(report, None)))
    left = {kind for kind in errors if kind != "size"}
    assert {f.kind for f in again.errors} - {"num-classes"} == left, [str(f) for f in again.findings]
    if any(pixels[0]):
        assert [row["pixels"] for row in again.classes(0)] == pixels[0]


def test_b21_masks_of_floats(tmp_path: Path) -> None:
    """Oracle: the labels that were written; the first three scenes."""
    pytest.importorskip("rasterio", reason="an optional extra: geo")
    files.floats(tmp_path)
    report = check_folder(tmp_path)
    assert not report.errors, [str(finding) for finding in report.errors]
    expected = sum(np.bincount(files.scene(i)[1].ravel()) for i in range(3))
    assert [row["pixels"] for row in report.classes(0)] == expected.tolist()


def test_boxes_are_ignored_or_drawn(tmp_path: Path) -> None:
    """Oracle: a box of 20 x 20 pixels."""
    files.coco_box(tmp_path)
    for boxes, value in (("ignore", 255), ("draw", 1)):
        given = {"type": "coco", "boxes": boxes}
        dataset = FolderDataset(str(tmp_path), masks="annotations/instances.json", mask_format=given)
        mask = dataset.get_data_info(2)["seg_map_path"].read()
        np.testing.assert_array_equal(np.argwhere(mask == value)[[0, -1]], [[5, 5], [24, 24]])
        assert (mask == value).sum() == 400


LISTS = {
    "CRLF": "foto 0 ä\r\nfoto 1 ä\r\n\r\n".encode(),
    "byte-order mark": "\ufefffoto 0 ä\nfoto 1 ä\n".encode(),
    "UTF-16": "foto 0 ä\r\nfoto 1 ä\r\n".encode("utf-16"),
    "suffixes": "foto 0 ä.jpg\nfoto 1 ä.jpg".encode(),
    "paths": "images/foto 0 ä.jpg\nimages/foto 1 ä.jpg".encode(),
    "backslashes": ".\\foto 0 ä\r\n.\\foto 1 ä\r\n".encode(),
    "pairs": "images/foto 0 ä.jpg masks/foto 0 ä.png\nimages/foto 1 ä.jpg masks/foto 1 ä.png\n".encode(),
    "pairs of another machine": "/Net/x/images/foto 0 ä.jpg /Net/x/masks/foto 0 ä.png\n/Net/x/images/foto 1 ä.jpg "
    "/Net/x/masks/foto 1 ä.png\n",
    "pairs with tabs": "images/foto 0 ä.jpg\tmasks/foto 0 ä.png\nimages/foto 1 ä.jpg\tmasks/foto 1 ä.png\n",
}


@pytest.mark.parametrize("name", LISTS)
def test_b15_lists_of_any_kind(name: str, tmp_path: Path) -> None:
    files.names_with_blanks(tmp_path)
    files.text(tmp_path / "train.txt", LISTS[name])
    dataset = FolderDataset(str(tmp_path), split="train.txt")
    assert [Path(info["img_path"]).name for info in dataset.data_list] == ["foto 0 ä.jpg", "foto 1 ä.jpg"]
    assert [Path(info["seg_map_path"]).name for info in dataset.data_list] == ["foto 0 ä.png", "foto 1 ä.png"]
    assert [len(source.pairs) for source in check_folder(tmp_path).sources] == [2]
    if name in ("CRLF", "suffixes", "UTF-16"):
        prefix = {"img_path": "images", "seg_map_path": "masks"}
        plain = BaseSegDataset("train.txt", data_root=str(tmp_path), data_prefix=prefix)
        assert [Path(info["img_path"]).name for info in plain.data_list] == ["foto 0 ä.jpg", "foto 1 ä.jpg"]


def test_b15_what_cannot_be_read_says_how(tmp_path: Path) -> None:
    files.names_with_blanks(tmp_path)
    files.text(tmp_path / "train.txt", "foto 0 ä".encode("cp1252"))
    with pytest.raises(DataError, match=r"train\.txt: not UTF-8 .*; save the list as UTF-8"):
        FolderDataset(str(tmp_path), split="train.txt")
    files.text(tmp_path / "train.txt", "images/a.jpg masks/a.png\n")
    prefix = {"img_path": "images", "seg_map_path": "masks"}
    with pytest.raises(DataError, match=r"its lines are an image and its mask, which FolderDataset\(split=\.\.\.\)"):
        BaseSegDataset("train.txt", data_root=str(tmp_path), data_prefix=prefix)


def test_b14_the_warning_sees_the_neighbor(tmp_path: Path) -> None:
    files.mixed_suffixes(tmp_path)
    node = {
        "type": "BaseSegDataset",
        "data_root": str(tmp_path),
        "data_prefix": {"img_path": "images/train", "seg_map_path": "masks/train"},
        "metainfo": {"classes": ["a", "b", "c"]},
        "pipeline": [],
    }
    report = check_config(Config({"train_dataloader": {"dataset": node}}))
    [finding] = [finding for finding in report.findings if finding.kind == "missing-image"]
    assert "p2.JPG, p3.jpeg, p4.png are there with another suffix" in finding.message


def test_a_folder_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("NOSUCHFOLDER", "data/NOSUCHFOLDER"):
        assert main(["check", name]) == 1
        assert f"{name}: no such file or folder" in capsys.readouterr().err


def test_options_of_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--image-suffix, --mask-suffix, --split and --mask-format say what names and contents do not."""
    files.pairs(tmp_path, "all/x{}_rgb.png", "all/x{}_ids.png")
    files.text(tmp_path / "some.txt", "x0\nx2\n")
    given = ["--images", "all", "--masks", "all", "--image-suffix", "_rgb.png", "--mask-suffix", "_ids.png"]
    assert main(["check", str(tmp_path), *given, "--split", "some.txt"]) == 0
    said = capsys.readouterr().out
    assert "2 pairs checked: 0 errors" in said
    assert "split='some.txt', image_suffix='_rgb.png', mask_suffix='_ids.png'" in said
    files.coco_box(tmp_path / "coco")
    boxes = ["--mask-format", "coco", "boxes=ignore"]
    assert main(["check", str(tmp_path / "coco"), *boxes]) == 0
    assert "mask_format={'type': 'coco', 'boxes': 'ignore'}" in capsys.readouterr().out
