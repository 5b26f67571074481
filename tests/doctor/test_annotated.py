"""Folders of annotations that nobody has described, in every format.

Oracle: the label maps that `tests.masks.layouts` wrote; the proposed lines must give them.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from segue.cli import main
from segue.config import Config
from segue.config.builder.build import build_dataset
from segue.config.builder.find import find
from segue.datasets.base_seg import BaseSegDataset
from segue.doctor import check_config, check_folder
from segue.doctor.apply import apply, folder_datasets
from segue.doctor.before_training import check_before_training
from segue.errors import DataError
from segue.masks.decode import read_mask
from segue.masks.path import MaskPath
from tests.doctor.seeded import CONFIG
from tests.masks import layouts
from tests.masks.layouts import LAYOUTS
from tests.masks.scenes import CLASSES, label_map, write_json

HEAD, TAIL = CONFIG[: CONFIG.index("train_pipeline")], CONFIG[CONFIG.index("optim_wrapper") :]
LOADERS = """
train_dataloader = dict(batch_size=2, num_workers=0, persistent_workers=False)
val_dataloader = dict(num_workers=0, persistent_workers=False)
"""


@pytest.mark.parametrize("name", [*LAYOUTS, "mat", "npy", "voc"])
def test_what_is_proposed_reads_the_labels(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    if name == "geojson":
        pytest.importorskip("rasterio", reason="an optional extra: geo")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    maps = getattr(layouts, name)(tmp_path / "mine")
    report = check_folder("mine")
    if name in LAYOUTS:
        assert report.mended[0].classes == LAYOUTS[name][2]
    assert [finding.kind for finding in report.errors] == (["negative-value"] if name == "npy" else [])
    cfg = Config.fromfile(apply(report, None))
    for split in ("train", "val"):
        dataset = build_dataset(cfg, f"{split}_dataloader.dataset")
        assert isinstance(dataset, BaseSegDataset)
        for i in range(len(dataset)):
            info = dataset.get_data_info(i)
            image = Path(info["img_path"]).relative_to(dataset.data_prefix["img_path"]).with_suffix("").as_posix()
            dataset.pipeline.transforms[:] = dataset.pipeline.transforms[:2]
            np.testing.assert_array_equal(dataset[i]["gt_seg_map"], maps[image])
    assert not [finding for finding in check_config(cfg).errors if finding.kind != "num-classes"]


@pytest.mark.parametrize("name", ["labelme", "coco"])
def test_what_is_proposed_trains(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    getattr(layouts, name)(tmp_path / "mine")
    apply(check_folder("mine"), None, "data.py")
    Path("config.py").write_text(f"_base_ = ['data.py']\n{HEAD.format(count=len(CLASSES))}{LOADERS}{TAIL}")
    assert main(["train", "config.py", "--work-dir", "run"]) == 0


def test_splits_of_coco_files(tmp_path: Path):
    """Oracle: the layout of COCO: instances_train2017.json with train2017, and val2017."""
    for split in ("train2017", "val2017"):
        layouts.coco(tmp_path / split)
        (tmp_path / split / "images").rename(tmp_path / f"images_{split}")
        content = json.loads((tmp_path / split / "annotations/annotations.json").read_text())
        write_json(tmp_path / f"annotations/instances_{split}.json", content)
        (tmp_path / split / "annotations/annotations.json").unlink()
        (tmp_path / split / "annotations/classes.json").unlink(missing_ok=True)
    lines = folder_datasets(check_folder(tmp_path))
    assert list(lines) == ["train", "val"]
    assert "images='images_val2017', masks='annotations/instances_val2017.json', mask_format='coco'" in lines["val"]


def test_splits_of_yolo_folders(tmp_path: Path):
    for split in ("train", "val"):
        layouts.yolo(tmp_path / split)
        for kind in ("images", "labels"):
            (tmp_path / kind).mkdir(exist_ok=True)
            (tmp_path / split / kind).rename(tmp_path / kind / split)
    (tmp_path / "data.yaml").write_text("names: [car, road, tree]\n")
    report = check_folder(tmp_path)
    assert [(part.split, part.images, part.masks) for part in report.layout.parts] == [
        ("train", "images/train", "labels/train"),
        ("val", "images/val", "labels/val"),
    ]
    assert report.mended[1].classes == CLASSES


def test_colors_are_proposed_as_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Oracle: the label maps, whose palette is in ascending order."""
    monkeypatch.chdir(tmp_path)
    maps = layouts.rgb(tmp_path / "mine")
    report = check_folder("mine")
    [finding] = report.errors
    assert finding.kind == "color-mask"
    assert [fix.line for fix in finding.fixes][:2] == [
        "mask_format='rgb'",
        "classes=['color_0_0_0', 'color_10_160_20', 'color_90_90_90', 'color_200_10_10']",
    ]
    dataset = build_dataset(Config.fromfile(apply(report, None)), "train_dataloader.dataset")
    order = np.array([0, 3, 2, 1])
    for i, labels in enumerate(maps.values()):
        np.testing.assert_array_equal(read_mask(dataset.get_data_info(i)["seg_map_path"]), order[labels])


@pytest.mark.parametrize(
    ("name", "void"), [("CityscapesDataset", True), ("PotsdamDataset", False), ("LoveDADataset", False)]
)
def test_colors_of_public_datasets_have_names(name: str, void: bool, tmp_path: Path):
    """Oracle: the palette that the dataset declares; black is unlabeled in Cityscapes."""
    from PIL import Image

    info, void = find("datasets", name).METAINFO, name.startswith("City")
    colors = [*info["palette"][-4:], *([[0, 0, 0]] if void else [])]
    layouts.pictures(tmp_path / "images", label_map)
    (tmp_path / "labels").mkdir()
    for i, stem in enumerate("ab"):
        ids = label_map(i, ignore=False) if not void else (label_map(i, ignore=False) + i) % 5
        Image.fromarray(np.array(colors, np.uint8)[ids]).save(tmp_path / f"labels/{stem}.png")
    [finding] = check_folder(tmp_path).errors
    fixes = {fix.keys[0]: fix.value for fix in finding.fixes}
    assert fixes["classes"] == list(info["classes"]) and fixes["palette"] == [list(c) for c in info["palette"]]
    assert fixes["mask_format"] == ({"type": "rgb", "others": "ignore"} if void else "rgb")


def test_findings_of_annotations(tmp_path: Path):
    layouts.labelme(tmp_path)
    names = ("background", "car", "road", "tree")
    cfg = Config({"train_dataloader": {"dataset": node(tmp_path, classes=names[:3], images=".", masks=".")}})
    [finding, *_] = check_config(cfg).errors
    assert finding.kind == "corrupt-mask" and "2 masks cannot be used" in finding.message
    assert "'tree' (" in finding.message and "is none of the classes background, car, road" in finding.message
    dataset = build_dataset(cfg, "train_dataloader.dataset")
    with pytest.raises(DataError, match=r"2 masks cannot be used: .*'tree' \(\d shapes\) is none of the classes"):
        check_before_training({"train": ("train_dataloader.dataset", dataset)})
    cfg = Config({"train_dataloader": {"dataset": node(tmp_path, classes=names[1:], images=".", masks=".")}})
    assert "no-background" in {finding.kind for finding in check_config(cfg).findings}
    (tmp_path / "b.png").unlink()
    report = check_config(
        Config({"train_dataloader": {"dataset": node(tmp_path, classes=names, images=".", masks=".")}})
    )
    assert [finding.kind for finding in report.findings if "without an image" in finding.message] == ["missing-image"]
    assert all(isinstance(mask, MaskPath) for _, mask in report.sources[0].pairs)


def node(root: Path, **more: object) -> dict[str, object]:
    return {"type": "FolderDataset", "data_root": str(root), "pipeline": [], **more}


def test_a_missing_annotation_is_found(tmp_path: Path):
    layouts.labelme(tmp_path)
    (tmp_path / "b.json").unlink()
    dataset = node(tmp_path, images=".", masks=".", mask_format="labelme", classes=list(CLASSES))
    report = check_config(Config({"train_dataloader": {"dataset": dataset}}))
    assert [finding.kind for finding in report.errors] == ["missing-mask"]
    assert [Path(image).name for image, _ in report.sources[0].pairs] == ["a.png"]
