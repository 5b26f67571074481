"""LoadAnnotations: the dataset's rules are applied, and bad masks stop with a message that helps."""

from __future__ import annotations

import numpy as np
import pytest

from segue.errors import DataError, InputError, LabelError
from segue.images.read import write_png
from segue.transforms.load_annotations import LoadAnnotations


def load(tmp_path, labels, **info):
    path = tmp_path / "mask.png"
    write_png(path, np.asarray(labels))
    return LoadAnnotations()({"seg_map_path": str(path), "seg_fields": [], **info})


def test_plain(tmp_path):
    """Oracle: values and dtype as stored; the key is listed once."""
    result = load(tmp_path, np.array([[0, 1], [2, 255]], np.uint8), num_classes=3)
    assert result["gt_seg_map"].tolist() == [[0, 1], [2, 255]]
    assert result["gt_seg_map"].dtype == np.uint8
    assert result["seg_fields"] == ["gt_seg_map"]
    assert result["reduce_zero_label"] is False


def test_reduce_zero_then_label_map(tmp_path):
    """Oracle: mmseg 1.x order: 0 1 2 3 255 -> 255 0 1 2 255, then {0: 0, 1: 0, 2: 255} -> 255 0 0 255 255."""
    labels = np.array([[0, 1, 2, 3, 255]], np.uint8)
    result = load(tmp_path, labels, reduce_zero_label=True, label_map={0: 0, 1: 0, 2: 255}, num_classes=1)
    assert result["gt_seg_map"].tolist() == [[255, 0, 0, 255, 255]]
    with pytest.raises(LabelError, match=r"label 0 .* not in label_map.*label_map=\{\.\.\., 0: 0\}"):
        load(tmp_path, labels, reduce_zero_label=True, label_map={1: 0, 2: 255}, num_classes=1)


def test_binary_map(tmp_path):
    """Oracle: {0: 0, 255: 1} gives 255 a meaning."""
    result = load(tmp_path, np.array([[0, 255]], np.uint8), label_map={0: 0, 255: 1}, num_classes=2)
    assert result["gt_seg_map"].tolist() == [[0, 1]]


def test_void_value(tmp_path):
    """Oracle: CamVid's void 11 leaves as 255."""
    assert load(tmp_path, np.array([[0, 11]], np.uint8), void=11, num_classes=11)["gt_seg_map"].tolist() == [[0, 255]]


def test_sixteen_bits_do_not_wrap(tmp_path):
    """Oracle: 257 would wrap to 1 in eight bits; 26001 is a Cityscapes instance."""
    with pytest.raises(
        LabelError, match=r"mask.png: labels 257 \(1 pixels\), 26001 \(1 pixels\) outside the 19 classes"
    ):
        load(tmp_path, np.array([[257, 26001, 3]], np.uint16), num_classes=19)


def test_out_of_range_is_named(tmp_path):
    with pytest.raises(LabelError, match=r"mask.png: label 7 \(2 pixels\) outside the 3 classes 0..2 \(ignored: 255\)"):
        load(tmp_path, np.array([[0, 7, 7, 255]], np.uint8), num_classes=3)


def test_size_must_be_the_image_s(tmp_path):
    labels = np.zeros((4, 6), np.uint8)
    with pytest.raises(
        LabelError, match=r"mask.png: the mask is 6 x 4 pixels, its image a.jpg 6 x 5; they must be equal"
    ):
        load(tmp_path, labels, img_path="a.jpg", ori_shape=(5, 6))
    with pytest.raises(LabelError, match="EXIF orientation that the mask lacks"):
        load(tmp_path, labels, ori_shape=(6, 4))


def test_settings_must_agree(tmp_path):
    write_png(tmp_path / "m.png", np.zeros((2, 2), np.uint8))
    info = {"seg_map_path": str(tmp_path / "m.png"), "reduce_zero_label": False}
    with pytest.raises(InputError, match=r"LoadAnnotations\(reduce_zero_label=True\) contradicts the dataset"):
        LoadAnnotations(reduce_zero_label=True)(info)


def test_no_mask():
    with pytest.raises(DataError, match=r"a.jpg: has no 'seg_map_path': the dataset names no folder of masks"):
        LoadAnnotations()({"img_path": "a.jpg"})
    with pytest.raises(InputError, match="imdecode_backend must be one of 'pillow', 'cv2', got 'tifffile'"):
        LoadAnnotations(imdecode_backend="tifffile")
