"""MultilabelDataset finds masks in every layout and says what is missing. Oracle: the stacks that were written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from segue.datasets.class_balanced import ClassBalancedDataset
from segue.datasets.multilabel import MultilabelDataset
from segue.errors import DataError, InputError, LabelError
from segue.transforms.load_annotations import LoadAnnotations
from segue.transforms.load_image_from_file import LoadImageFromFile
from segue.transforms.pack_seg_inputs import PackSegInputs

CLASSES = ("cat", "dog_tail")
STACKS = {name: np.random.default_rng(i).integers(0, 2, (4, 5, 2)).astype(np.uint8) for i, name in enumerate("ab")}


def write(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), array)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in STACKS:
        write(tmp_path / f"images/{name}.jpg", np.zeros((4, 5, 3), np.uint8))
    return tmp_path


def write_masks(root: Path, form: str) -> None:
    for name, stack in STACKS.items():
        for index, owner in enumerate(CLASSES):
            write(root / "masks" / form.format(name=name, owner=owner), stack[..., index] * 255)


def dataset(root: Path, **given: Any) -> MultilabelDataset:
    steps = [LoadImageFromFile(), LoadAnnotations(), PackSegInputs()]
    return MultilabelDataset(data_root=str(root), pipeline=steps, **given)


@pytest.mark.parametrize("form", ["{owner}/{name}.png", "{name}_{owner}.png", "{name}.{owner}.png"])
def test_a_mask_per_class(root: Path, form: str) -> None:
    write_masks(root, form)
    found = dataset(root)
    assert found.metainfo["classes"] == CLASSES and found.metainfo["multilabel"] is True
    for sample, stack in zip(found, STACKS.values(), strict=False):
        assert sample["data_samples"].gt_sem_seg.dtype == torch.uint8
        assert torch.equal(sample["data_samples"].gt_sem_seg, torch.from_numpy(stack).permute(2, 0, 1))
    assert ClassBalancedDataset(found, 0.5).get_cat_ids(0) == [0, 1]
    turned = dataset(root, classes=CLASSES[::-1])[0]["data_samples"].gt_sem_seg
    assert torch.equal(turned, torch.from_numpy(STACKS["a"]).permute(2, 0, 1).flip(0))
    assert len(dataset(root, classes=["cat"]).unused) == 2


def test_splits_number_classes_alike(root: Path) -> None:
    """Only validation has the last class."""
    for split, names in (("train", ("ant", "bee")), ("val", ("ant", "cow"))):
        write(root / f"images/{split}/a.png", np.zeros((4, 5, 3), np.uint8))
        for name in names:
            write(root / f"masks/{split}/{name}/a.png", STACKS["a"][..., 0])
    for split in ("train", "val"):
        found = dataset(root, images=f"images/{split}", masks=f"masks/{split}", missing="absent")
        assert found.metainfo["classes"] == ("ant", "bee", "cow")


def test_a_file_for_all_classes(root: Path) -> None:
    for name, stack in STACKS.items():
        (root / "masks").mkdir(exist_ok=True)
        np.save(root / f"masks/{name}.npy", stack)
        write(root / f"bits/{name}.png", stack[..., 0] + 2 * stack[..., 1])
    assert dataset(root).metainfo["classes"] == ("class_0", "class_1")
    for given in ({}, {"masks": "bits", "layout": "bits"}):
        labels = dataset(root, classes=CLASSES, **given)[1]["data_samples"].gt_sem_seg
        assert torch.equal(labels, torch.from_numpy(STACKS["b"]).permute(2, 0, 1))
    with pytest.raises(InputError, match="bits do not tell how many classes"):
        dataset(root, masks="bits", layout="bits")
    with pytest.raises(DataError, match=r"a single channel, .*FolderDataset.*set layout='bits'"):
        dataset(root, masks="bits")


def test_what_a_missing_mask_means(root: Path) -> None:
    write_masks(root, "{owner}/{name}.png")
    (root / "masks/cat/b.png").unlink()
    with pytest.raises(DataError, match=r"1 masks of 2 images are missing: b\.jpg \(cat\)\. .*missing='absent'"):
        dataset(root)
    assert dataset(root, missing="absent")[1]["data_samples"].gt_sem_seg[0].max() == 0
    assert dataset(root, missing="ignore")[1]["data_samples"].gt_sem_seg[0].min() == 255
    with pytest.raises(InputError, match="missing must be 'error', 'absent' or 'ignore', got 'skip'"):
        dataset(root, missing="skip")


def test_names_splits_and_images_without_masks(root: Path) -> None:
    write_masks(root, "{owner}/{name}.png")
    (root / "names.txt").write_text("dog_tail\ncat\n")
    (root / "val.txt").write_text("b\n")
    found = dataset(root, classes="names.txt", split="val.txt")
    assert found.metainfo["classes"] == CLASSES[::-1] and len(found) == 1
    assert found.get_data_info(0)["seg_map_path"].endswith("dog_tail/b.png")
    alone = MultilabelDataset(data_root=str(root), masks=None, classes=CLASSES, test_mode=True)
    assert "stack_files" not in alone.get_data_info(0)


def test_255_as_unknown_where_it_means_yes(root: Path) -> None:
    write_masks(root, "{owner}/{name}.png")
    with pytest.raises(LabelError, match=r"with ignore_index=255 no pixel has a class\. If 255 means yes, leave"):
        dataset(root, ignore_index=255)


def test_a_mask_of_another_size(root: Path) -> None:
    write_masks(root, "{owner}/{name}.png")
    for owner in CLASSES:
        write(root / f"masks/{owner}/b.png", np.zeros((3, 5), np.uint8))
    with pytest.raises(LabelError, match=r"cat/b\.png: the mask is 5 x 3 pixels, its image .* 5 x 4"):
        dataset(root)[1]


def test_nothing_fits(root: Path) -> None:
    write(root / "masks/other.png", np.zeros((4, 5), np.uint8))
    with pytest.raises(DataError, match=r"none of its 1 masks belongs to an image.*named <class>/<image>\.png"):
        dataset(root)
    write(root / "masks/cat/a.png", np.zeros((4, 5), np.uint8))
    write(root / "masks/cat/a.bmp", np.zeros((4, 5), np.uint8))
    with pytest.raises(DataError, match="two masks of one class and image"):
        dataset(root)
    with pytest.raises(InputError, match="layout must be one of folders, suffixes, channels, bits, got 'dirs'"):
        dataset(root, layout="dirs", classes=CLASSES)
