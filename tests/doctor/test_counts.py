"""Pixels per class and image, counted once and kept.

Oracle: two masks written here, counted by hand.
"""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from segue.datasets.folder import FolderDataset
from segue.datasets.multilabel import MultilabelDataset
from segue.datasets.repeat import RepeatDataset
from segue.doctor import counts as module
from segue.doctor.counts import count_labels
from segue.errors import LabelError


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FolderDataset:
    """Masks of 10 pixels: 6 of class 0 and 4 ignored; 1 of class 0, 7 of class 1 and 2 of class 2."""
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path / "home"))
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    for name, values in (("a", [0] * 6 + [255] * 4), ("b", [0] + [1] * 7 + [2] * 2)):
        mask = np.array(values, np.uint8).reshape(2, 5)
        cv2.imwrite(str(tmp_path / "masks" / f"{name}.png"), mask)
        cv2.imwrite(str(tmp_path / "images" / f"{name}.png"), np.repeat(mask[..., None], 3, axis=2))
    return FolderDataset(str(tmp_path), classes=["x", "y", "z"])


def test_counts_leave_out_ignored_pixels(dataset: FolderDataset) -> None:
    counts = count_labels(dataset, 3)
    assert counts.per_class().tolist() == [7, 7, 2]
    assert counts.with_class().tolist() == [16, 10, 10]
    assert counts.samples_of(0, min_pixels=3).tolist() == [0]
    assert counts.samples_of(0, min_pixels=0).tolist() == [0, 1]
    assert counts.samples_of(2, min_pixels=3000).tolist() == [1]


def test_wrappers_count_every_repetition(dataset: FolderDataset) -> None:
    counts = count_labels(RepeatDataset(dataset, 3), 3)
    assert counts.per_class().tolist() == [21, 21, 6]
    assert counts.samples_of(2, 0).tolist() == [1, 3, 5]


def test_masks_are_read_again_only_when_they_change(
    dataset: FolderDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = []
    read = module.read_mask
    monkeypatch.setattr(module, "read_mask", lambda path: reads.append(path) or read(path))
    first = count_labels(dataset, 3)
    assert len(reads) == 2
    assert count_labels(dataset, 3).pixels.tolist() == first.pixels.tolist()
    assert len(reads) == 2
    os.utime(tmp_path / "masks" / "a.png", (1, 1))
    count_labels(dataset, 3)
    assert len(reads) == 4


def test_a_cut_off_cache_is_written_again(dataset: FolderDataset, tmp_path: Path) -> None:
    count_labels(dataset, 3)
    [file] = (tmp_path / "home" / "counts").glob("*.npz")
    file.write_bytes(file.read_bytes()[:50])
    assert count_labels(dataset, 3).per_class().tolist() == [7, 7, 2]


def test_a_value_that_is_no_class_is_named(dataset: FolderDataset) -> None:
    with pytest.raises(LabelError, match=r"b\.png: value 2 \(2 pixels\) is none of the 2 classes"):
        count_labels(dataset, 2)


def test_several_classes_per_pixel_count_for_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """cat: 2 and 4 pixels; dog: 3, and unknown in the second image. One pixel of the first has both."""
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path / "home"))
    masks = {"a_cat": [1, 1, 0, 0], "a_dog": [0, 1, 1, 1], "b_cat": [255] * 4, "b_dog": [7] * 4}
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    for name, values in masks.items():
        cv2.imwrite(str(tmp_path / "masks" / f"{name}.png"), np.array([values], np.uint8))
        cv2.imwrite(str(tmp_path / "images" / f"{name[0]}.png"), np.zeros((1, 4, 3), np.uint8))
    counts = count_labels(MultilabelDataset(str(tmp_path), ignore_index=7), 2)
    assert counts.per_class().tolist() == [6, 3]
    assert counts.samples_of(0, 3).tolist() == [1] and counts.samples_of(1, 0).tolist() == [0]
    os.utime(tmp_path / "masks" / "a_cat.png", ns=(1, 1))
    cv2.imwrite(str(tmp_path / "masks" / "a_dog.png"), np.ones((1, 4), np.uint8))
    assert count_labels(MultilabelDataset(str(tmp_path), ignore_index=7), 2).per_class().tolist() == [6, 4]
