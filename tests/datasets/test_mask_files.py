"""Datasets of every format: the samples are the label maps that were written.

Oracle: `tests.masks.layouts`, whose writers and pixels are tested with the formats.
"""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from segue.datasets.base_seg import BaseSegDataset
from segue.datasets.class_balanced import ClassBalancedDataset
from segue.datasets.folder import FolderDataset
from segue.doctor.counts import count_labels
from segue.errors import DataError, InputError
from segue.transforms.load_annotations import LoadAnnotations
from segue.transforms.load_image_from_file import LoadImageFromFile
from segue.transforms.pack_seg_inputs import PackSegInputs
from tests.masks import layouts
from tests.masks.layouts import LAYOUTS
from tests.masks.scenes import CLASSES, NAMES, picture, write_json


class Things(BaseSegDataset):
    METAINFO: ClassVar = {"classes": ("background", "car", "sofa", "train")}


LOAD = [LoadImageFromFile(), LoadAnnotations(), PackSegInputs()]


def samples(dataset: Any) -> dict[str, np.ndarray]:
    root = dataset.data_prefix["img_path"]
    found = {}
    for i in range(len(dataset)):
        name = Path(dataset.get_data_info(i)["img_path"]).relative_to(root).with_suffix("").as_posix()
        found[name] = dataset[i]["data_samples"].gt_sem_seg.numpy()
    return found


def check(dataset: Any, maps: layouts.Maps) -> None:
    found = samples(dataset)
    assert sorted(found) == sorted(maps)
    for name, labels in maps.items():
        np.testing.assert_array_equal(found[name], labels)


@pytest.mark.parametrize("name", LAYOUTS)
def test_folders_are_recognized(name: str, tmp_path: Path):
    """Nothing but folders is said, nor are classes; the dataset survives the way to another process."""
    if name == "geojson":
        pytest.importorskip("rasterio", reason="an optional extra: geo")
    write, arguments, classes = LAYOUTS[name]
    maps = write(tmp_path)
    dataset = FolderDataset(str(tmp_path), pipeline=LOAD, **arguments)  # type: ignore[arg-type]
    assert dataset.metainfo["classes"] == classes and dataset.metainfo["label_map"] is None
    check(dataset, maps)
    check(pickle.loads(pickle.dumps(dataset)), maps)
    sample = dataset[0]["data_samples"].meta
    assert type(pickle.loads(pickle.dumps(sample["seg_map_path"]))) is str


def test_formats_that_must_be_named(tmp_path: Path):
    colors = layouts.rgb(tmp_path / "rgb")
    palette = [list(color) for color in NAMES.palette]
    given = {"masks": "labels", "mask_format": "rgb", "classes": list(CLASSES), "palette": palette}
    check(FolderDataset(str(tmp_path / "rgb"), pipeline=LOAD, **given), colors)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"mask_format='rgb' needs classes and palette"):
        FolderDataset(str(tmp_path / "rgb"), masks="labels", mask_format="rgb")
    matrices = layouts.mat(tmp_path / "mat")
    dataset = FolderDataset(str(tmp_path / "mat"), masks="cls", pipeline=LOAD)
    assert dataset.metainfo["classes"] == tuple(f"class_{i}" for i in range(4))
    check(dataset, matrices)


def test_value_formats(tmp_path: Path):
    """0/255, numpy files with -1 for unlabeled, VOC's layout."""
    maps = layouts.binary(tmp_path / "binary")
    check(FolderDataset(str(tmp_path / "binary"), pipeline=LOAD), maps)
    maps = layouts.npy(tmp_path / "npy")
    check(FolderDataset(str(tmp_path / "npy"), classes=list(CLASSES), label_map={-1: 255}, pipeline=LOAD), maps)
    maps = layouts.voc(tmp_path / "voc")
    folders = {"images": "JPEGImages", "masks": "SegmentationClass", "classes": "class_names.txt"}
    train = FolderDataset(str(tmp_path / "voc"), split="ImageSets/Segmentation/train.txt", pipeline=LOAD, **folders)  # type: ignore[arg-type]
    check(train, {"a": maps["a"]})


def test_suffix_and_file_say_it_to_any_dataset(tmp_path: Path):
    maps = layouts.labelme(tmp_path / "labelme")
    given = {"img_suffix": ".png", "metainfo": {"classes": CLASSES}, "pipeline": LOAD}
    prefix = {"img_path": "", "seg_map_path": ""}
    root = str(tmp_path / "labelme")
    check(BaseSegDataset(data_root=root, seg_map_suffix=".json", data_prefix=prefix, **given), maps)  # type: ignore[arg-type]
    maps = layouts.coco(tmp_path / "coco")
    prefix = {"img_path": "images", "seg_map_path": "annotations/annotations.json"}
    root = str(tmp_path / "coco")
    check(BaseSegDataset(data_root=root, data_prefix=prefix, **given), maps)  # type: ignore[arg-type]
    (tmp_path / "coco/val.txt").write_text("b\n")
    check(BaseSegDataset("val.txt", data_root=root, data_prefix=prefix, **given), {"b": maps["b"]})  # type: ignore[arg-type]


def test_classes_may_be_chosen_and_left_out(tmp_path: Path):
    """Oracle: the classes by name, reordered; declared ones left out are ignored, as in pictures."""
    layouts.coco(tmp_path)
    content = json.loads((tmp_path / "annotations/annotations.json").read_text())
    for category, name in zip(content["categories"], ("car", "sofa", "train", "void"), strict=True):
        category["name"] = name
    write_json(tmp_path / "annotations/annotations.json", content)
    maps = layouts.coco(tmp_path / "again")
    dataset = Things(
        data_root=str(tmp_path),
        data_prefix={"img_path": "images", "seg_map_path": "annotations/annotations.json"},
        metainfo={"classes": ["train", "background", "car"]},
        img_suffix=".png",
        pipeline=LOAD,
    )
    assert dataset.metainfo["label_map"] is None
    table = np.full(256, 255)
    table[[0, 1, 2, 3]] = [1, 2, 255, 0]
    check(dataset, {name: table[labels] for name, labels in maps.items()})


def test_counting_sees_the_same_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Oracle: the label maps. Counts are kept until the file changes or classes are numbered anew."""
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path / "home"))
    maps = layouts.coco(tmp_path / "mine")
    given = {"data_root": str(tmp_path / "mine"), "masks": "annotations/annotations.json", "pipeline": LOAD}

    def counted(classes: tuple[str, ...]) -> list[int]:
        return count_labels(FolderDataset(classes=classes, **given), 4).per_class().tolist()  # type: ignore[arg-type]

    expected = [sum(int((labels == i).sum()) for labels in maps.values()) for i in range(4)]
    assert counted(CLASSES) == counted(CLASSES) == expected
    assert counted(CLASSES[::-1]) == expected[::-1]
    file = tmp_path / "mine/annotations/annotations.json"
    content = json.loads(file.read_text())
    gone = [region for region in content["annotations"] if region["category_id"] == 2]
    write_json(file, content | {"annotations": [r for r in content["annotations"] if r["category_id"] != 2]})
    assert gone and counted(CLASSES)[1] == 0
    classes = ClassBalancedDataset(FolderDataset(classes=CLASSES, **given), 0.1)  # type: ignore[arg-type]
    assert classes.get_cat_ids(0) == sorted({*np.unique(maps["a"]).tolist()} - {1, 255})


def test_faults(tmp_path: Path):
    layouts.coco(tmp_path)
    file = "annotations/annotations.json"
    with pytest.raises(InputError, match=r"FolderDataset: label_map is for values in mask files, but 'coco' names its"):
        FolderDataset(str(tmp_path), masks=file, classes=list(CLASSES), label_map={0: 1})
    with pytest.raises(
        InputError, match=r"BaseSegDataset: annotations of the format 'coco' need the names of the classes"
    ):
        BaseSegDataset(data_root=str(tmp_path), data_prefix={"img_path": "images", "seg_map_path": file})
    picture(tmp_path / "images/more.png")
    dataset = FolderDataset(str(tmp_path), masks=file)
    assert dataset.notes[-1] == f"1 images are not in {tmp_path / file}, so they are not used"
    (tmp_path / "images/b.png").unlink()
    with pytest.raises(
        DataError, match=r"images: 1 of the 2 images that .*annotations\.json lists are missing: b\.png"
    ):
        FolderDataset(str(tmp_path), masks=file)
    layouts.yolo(tmp_path / "yolo")
    picture(tmp_path / "yolo/images/c.png")
    assert len(FolderDataset(str(tmp_path / "yolo"), masks="labels")) == 3
    with pytest.raises(DataError, match=r"labels: none of the 1 images has a file there; of x\.png it would be"):
        picture(tmp_path / "yolo/others/x.png")
        FolderDataset(str(tmp_path / "yolo"), images="others", masks="labels", mask_format="yolo")
    with pytest.raises(DataError, match=r"nowhere: no such file or folder of labelme annotations"):
        FolderDataset(str(tmp_path), masks="nowhere", mask_format="labelme", classes=list(CLASSES))
    layouts.labelme(tmp_path / "labelme")
    (tmp_path / "labelme/b.json").unlink()
    with pytest.raises(DataError, match=r"1 of 2 images have no mask in .*labelme: b\.png"):
        FolderDataset(str(tmp_path / "labelme"), images=".", masks=".")
