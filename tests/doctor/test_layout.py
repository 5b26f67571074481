"""Folders that nobody has described.

Oracle: the layouts of public datasets, made small here.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from segue.config import Config
from segue.config.builder.build import build_dataset
from segue.datasets.folder import FolderDataset
from segue.doctor import check_folder
from segue.doctor.apply import apply
from segue.doctor.layout import recognize
from segue.errors import DataError, InputError


def put(root: Path, *names: str, top: int = 2) -> None:
    """Pictures: those in folders of images have colors, the others values 0..top."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        labels = np.arange(64, dtype=np.uint8).reshape(8, 8) % (top + 1) * (255 if top == 1 else 1)
        random = np.random.default_rng(len(name) + ord(path.stem[-1]))
        colors = random.integers(0, 255, (8, 8, 3)).astype(np.uint8)
        cv2.imwrite(str(path), colors if "mage" in str(path.parent.relative_to(root)).lower() else labels)


SPLITS = ("training", "validation")
LAYOUTS = {
    "mmseg": (
        [
            f"{kind}/{split}/{i}.png"
            for kind in ("img_dir/images", "ann_dir")
            for split in ("train", "val")
            for i in "ab"
        ],
        [("train", "img_dir/images/train", "ann_dir/train"), ("val", "img_dir/images/val", "ann_dir/val")],
    ),
    "splits first": (
        [
            f"{split}/{kind}/{i}.png"
            for kind in ("images", "masks")
            for split in ("train", "valid", "test")
            for i in "ab"
        ],
        [
            (name, f"{folder}/images", f"{folder}/masks")
            for name, folder in (("train", "train"), ("val", "valid"), ("test", "test"))
        ],
    ),
    "two folders": ([f"{kind}/{i}.png" for kind in ("images", "labels") for i in "ab"], [("all", "images", "labels")]),
    "affixes": (
        ["images/21_training.png", "images/22_training.png", "1st_manual/21_manual1.png", "1st_manual/22_manual1.png"],
        [("all", "images", "1st_manual")],
    ),
    "labelme": (
        [
            f"{kind}/{i}.png"
            for kind in ("JPEGImages", "SegmentationClass", "SegmentationClassVisualization")
            for i in "ab"
        ],
        [("all", "JPEGImages", "SegmentationClass")],
    ),
    "SegNet's CamVid": (
        [f"{split}{kind}/image_{i}.png" for split in ("train", "val", "test") for kind in ("", "annot") for i in "ab"],
        [(split, split, f"{split}annot") for split in ("train", "val", "test")],
    ),
    "imgs and gts": (
        [f"{split}/{kind}/image_{i}.png" for split in ("Train", "Test") for kind in ("imgs", "gts") for i in "ab"],
        [("train", "Train/imgs", "Train/gts"), ("test", "Test/imgs", "Test/gts")],
    ),
    "img and msk": ([f"{kind}/{i}.png" for kind in ("img", "msk") for i in "ab"], [("all", "img", "msk")]),
    "LIP": (
        [f"{split}_{kind}/{i}.png" for split in ("train", "val") for kind in ("images", "segmentations") for i in "ab"],
        [(split, f"{split}_images", f"{split}_segmentations") for split in ("train", "val")],
    ),
    "nnU-Net": (
        [f"imagesTr/C_{i}_0000.png" for i in "ab"] + [f"labelsTr/C_{i}.png" for i in "ab"] + ["imagesTs/C_c_0000.png"],
        [("train", "imagesTr", "labelsTr")],
    ),
    "words together": (
        [
            f"{kind}_{split}/{i}.png"
            for kind in ("images", "masks")
            for split in ("training", "validation")
            for i in "ab"
        ],
        [("train", "images_training", "masks_training"), ("val", "images_validation", "masks_validation")],
    ),
    "camel case": (
        [f"{split}{kind}/{i}.png" for kind in ("Images", "Masks") for split in ("Train", "Test") for i in "ab"],
        [("train", "TrainImages", "TrainMasks"), ("test", "TestImages", "TestMasks")],
    ),
    "ISPRS": (
        [f"{at.format(i)}.png" for at in ("2_Ortho_RGB/images_{}_RGB", "5_Labels_all/images_{}_label") for i in "12"],
        [("all", "2_Ortho_RGB", "5_Labels_all")],
    ),
    "LoveDA": (
        [
            f"{split}/{place}/{kind}_png/{place}{i}.png"
            for split in ("Train", "Val")
            for place in ("Rural", "Urban")
            for kind in ("images", "masks")
            for i in "ab"
        ],
        [
            (split.lower(), f"{split}/{place}/images_png", f"{split}/{place}/masks_png")
            for split in ("Train", "Val")
            for place in ("Rural", "Urban")
        ],
    ),
    "cities": (
        [
            f"{kind}/{split}/{city}/image_{city}{i}.png"
            for kind in ("leftImg8bit", "gtFine")
            for split in ("train", "val")
            for city in ("aachen", "ulm")
            for i in "ab"
        ],
        [(split, f"leftImg8bit/{split}", f"gtFine/{split}") for split in ("train", "val")],
    ),
    "deep": (
        [
            f"data/raw/{kind}/{split}/{i}.png"
            for kind in ("photos", "labels")
            for split in ("train", "val")
            for i in "ab"
        ],
        [(split, f"data/raw/photos/{split}", f"data/raw/labels/{split}") for split in ("train", "val")],
    ),
}
#: {name: files, image_suffix, mask_suffix}; the folder holds images and masks
BESIDE = {
    "Roboflow": ([f"train/image_{i}{end}" for i in "abc" for end in (".jpg", "_mask.png")], ".jpg", "_mask.png"),
    "one suffix": ([f"all/image_{i}{end}" for i in "abc" for end in (".png", "_label.png")], ".png", "_label.png"),
    "bmp and png": ([f"image_{i}{end}" for i in "abc" for end in (".bmp", ".png")], ".bmp", ".png"),
    "hyphens": ([f"s/{i}{end}" for i in ("a_1", "b_2") for end in (".jpg", "-seg.png")], ".jpg", "-seg.png"),
}


@pytest.mark.parametrize("name", BESIDE)
def test_images_and_masks_in_one_folder(name: str, tmp_path: Path) -> None:
    """Oracle: their ends; masks are never taken for images."""
    files, image, mask = BESIDE[name]
    for file in files:
        put(tmp_path, file) if file.endswith(mask) else put(tmp_path / "image", file)
        if not file.endswith(mask):
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "image" / file).rename(tmp_path / file)
    for folder in sorted((tmp_path / "image").rglob("*"), reverse=True):
        folder.rmdir()
    (tmp_path / "image").rmdir()
    [part] = recognize(tmp_path).parts
    assert (part.image_suffix, part.mask_suffix) == (image, mask)
    [source] = check_folder(tmp_path).sources
    assert len(source.pairs) == len(files) // 2
    assert all(str(label).endswith(mask) and not str(picture).endswith(mask) for picture, label in source.pairs)
    with pytest.raises(InputError, match=rf"image_suffix='{image}', mask_suffix='{mask}'"):
        FolderDataset(str(tmp_path), part.images, part.masks)


def test_several_masks_of_each_image(tmp_path: Path) -> None:
    """Oracle: Cityscapes, whose colors come first in the alphabet and whose train ids are meant."""
    ends = ("color", "instanceIds", "labelIds", "labelTrainIds")
    put(tmp_path, *[f"leftImg8bit/train/ulm/image_{i}_leftImg8bit.png" for i in "ab"])
    put(tmp_path, *[f"gtFine/train/ulm/image_{i}_gtFine_{end}.png" for i in "ab" for end in ends])
    [part] = recognize(tmp_path).parts
    assert part.mask_suffix == "_labelTrainIds.png"
    report = check_folder(tmp_path)
    assert len(report.sources[0].pairs) == 2 and not report.errors
    with pytest.raises(DataError, match=r"each image has 4 masks, which end with .*mask_suffix="):
        FolderDataset(str(tmp_path), "leftImg8bit/train", "gtFine/train")


def test_several_pairs_of_folders_become_one_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Oracle: LoveDA's rural and urban scenes are both for training."""
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "mine", *LAYOUTS["LoveDA"][0])
    path = apply(check_folder("mine"), None)
    for split in ("train", "val"):
        assert len(build_dataset(Config.fromfile(path), f"{split}_dataloader.dataset")) == 4


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_are_recognized(name: str, tmp_path: Path) -> None:
    files, expected = LAYOUTS[name]
    put(tmp_path, *files)
    assert [(part.split, part.images, part.masks) for part in recognize(tmp_path).parts] == expected
    report = check_folder(tmp_path)
    assert not report.errors, [str(finding) for finding in report.errors]
    per_city = 4 if name == "cities" else 2
    assert all(len(source.pairs) == per_city for source in report.sources)


def test_voc_splits_are_read_from_lists(tmp_path: Path) -> None:
    put(tmp_path, *[f"{kind}/{i}.png" for kind in ("JPEGImages", "SegmentationClass") for i in "abc"])
    for split, names in (("train", "a\nb\n"), ("val", "c\n")):
        (tmp_path / "ImageSets" / "Segmentation").mkdir(parents=True, exist_ok=True)
        (tmp_path / "ImageSets" / "Segmentation" / f"{split}.txt").write_text(names)
    report = check_folder(tmp_path)
    assert [(source.split, len(source.pairs)) for source in report.sources] == [("train", 2), ("val", 1)]


def test_what_else_could_be_meant_is_said_and_can_be_chosen(tmp_path: Path) -> None:
    put(tmp_path, *[f"{kind}/{i}.png" for kind in ("images", "labels", "mask") for i in "ab"])
    report = check_folder(tmp_path)
    assert any("mask also pairs with images; labels is taken" in finding.message for finding in report.findings)
    chosen = check_folder(tmp_path, images="images", masks="mask", num_classes=2)
    assert [finding.kind for finding in chosen.errors] == ["void-value"]


def test_class_names_from_a_file(tmp_path: Path) -> None:
    tmp_path = tmp_path / "voc"
    put(tmp_path, "images/a.png", "masks/a.png")
    (tmp_path / "class_names.txt").write_text("__ignore__\n_background_\ncat\ndog\n")
    assert check_folder(tmp_path).mended[0].classes == ("_background_", "cat", "dog")
    assert check_folder(tmp_path.parent).mended[0].classes == ("_background_", "cat", "dog")


def test_a_written_config_of_a_folder_reads_its_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "mine", *[f"{kind}/{i}.png" for kind in ("images", "masks") for i in "ab"], top=1)
    report = check_folder(tmp_path / "mine")
    assert [finding.kind for finding in report.errors] == ["binary-mask"]
    path = apply(report, None)
    assert path.name == "mine_data.py"
    dataset = build_dataset(Config.fromfile(path), "train_dataloader.dataset")
    assert "num_classes=2" in path.read_text() and dataset.metainfo["classes"] == ("background", "foreground")
    assert set(np.unique(dataset[0]["data_samples"].gt_sem_seg)) <= {0, 1, 255}
    with pytest.raises(InputError, match=r"mine_data.py: exists already"):
        apply(report, None)


def test_errors_say_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone: no such folder"):
        check_folder(tmp_path / "gone")
    put(tmp_path, "photos/images/a.png")
    with pytest.raises(DataError, match=r"among photos/images; name them: --images FOLDER --masks FOLDER"):
        check_folder(tmp_path)
    with pytest.raises(InputError, match="give both --images and --masks"):
        check_folder(tmp_path, images="photos/images")


def test_classes_that_nobody_named_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values 0, 1 and 2: three classes, for the heads and for the dataset."""
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "mine", "images/a.png", "images/b.png", "masks/a.png", "masks/b.png")
    path = apply(check_folder(tmp_path / "mine"), None)
    dataset = build_dataset(Config.fromfile(path), "train_dataloader.dataset")
    assert "num_classes=3" in path.read_text() and len(dataset.metainfo["classes"]) == 3
