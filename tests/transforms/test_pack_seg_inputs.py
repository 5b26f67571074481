"""PackSegInputs: shapes, dtypes and memory of what training gets."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from segue.errors import InputError, LabelError
from segue.transforms.pack_seg_inputs import PackSegInputs


def test_packed(sample):
    """Oracle: (H, W, C) to (C, H, W) without a change of value or dtype; labels int64."""
    given = sample(scale_factor=(1.0, 1.0), flip=False, unknown=3)
    packed = PackSegInputs()(dict(given))
    assert packed["inputs"].dtype == torch.uint8
    np.testing.assert_array_equal(packed["inputs"].numpy(), given["img"].transpose(2, 0, 1))
    assert packed["inputs"].is_contiguous()
    labels = packed["data_samples"].gt_sem_seg
    assert labels.dtype == torch.int64
    np.testing.assert_array_equal(labels.numpy(), given["gt_seg_map"])
    assert set(packed["data_samples"].meta) == {"img_path", "ori_shape", "img_shape", "scale_factor", "flip"}


def test_own_meta_keys(sample):
    assert PackSegInputs(meta_keys=("city",))(sample(city="Ulm"))["data_samples"].meta == {"city": "Ulm"}


def test_gray_and_extra_maps():
    given = {"img": np.zeros((4, 5), np.uint16), "gt_edge_map": np.ones((4, 5), np.uint8)}
    given["gt_depth_map"] = np.full((4, 5), 1.5, np.float64)
    packed = PackSegInputs()(given)
    assert packed["inputs"].shape == (1, 4, 5)
    assert packed["inputs"].dtype == torch.uint16
    assert packed["data_samples"].gt_edge_map.dtype == torch.int64
    assert packed["data_samples"].gt_depth_map.dtype == torch.float32


def test_crop_does_not_keep_the_image():
    """Oracle: the tensor's storage has the bytes of the crop only, and writing to it leaves the image alone."""
    image = np.zeros((100, 100, 3), np.uint8)
    tensor = PackSegInputs()({"img": image[10:20, 10:20]})["inputs"]
    assert tensor.untyped_storage().nbytes() == 300
    tensor += 1
    assert not image.any()


def test_views_and_read_only_arrays():
    """Oracle: a mirrored view and a frozen array give the same values as their copies."""
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    frozen = np.array([[0, 1], [2, 3]], np.uint8)
    frozen.flags.writeable = False
    packed = PackSegInputs()({"img": image[:, ::-1], "gt_seg_map": frozen})
    assert packed["inputs"][0].tolist() == [[3, 0], [9, 6]]
    assert packed["data_samples"].gt_sem_seg.tolist() == [[0, 1], [2, 3]]


def test_refused():
    with pytest.raises(InputError, match="meta_keys must be a list of keys, got 'img_path'"):
        PackSegInputs(meta_keys="img_path")
    with pytest.raises(LabelError, match=r"m.png: a label map is \(H, W\), got the shape \(2, 2, 3\)"):
        PackSegInputs()({"gt_seg_map": np.zeros((2, 2, 3), np.uint8), "seg_map_path": "m.png"})
