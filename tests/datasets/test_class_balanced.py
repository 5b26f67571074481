"""ClassBalancedDataset: how often images are repeated."""

from __future__ import annotations

import pytest

from segue.datasets.base_seg import BaseSegDataset
from segue.datasets.class_balanced import ClassBalancedDataset
from segue.errors import InputError


def test_rare_classes_are_repeated(folder):
    """Oracle: class 1 is in 1 of 4 images: sqrt(1 / (1 / 4)) = 2 times; class 0 in all: once; 255 counts nowhere."""
    masks = {"a": [0], "b": [0, 255], "c": [0, 1], "d": [0]}
    root = folder({f"i/{n}.png": None for n in masks} | {f"m/{n}.png": values for n, values in masks.items()})
    inner = BaseSegDataset(
        img_suffix=".png",
        data_root=str(root),
        data_prefix={"img_path": "i", "seg_map_path": "m"},
        metainfo={"classes": ["x", "y"]},
    )
    data = ClassBalancedDataset(inner, 1.0)
    assert [data.get_data_info(i)["img_path"][-5] for i in range(len(data))] == ["a", "b", "c", "c", "d"]
    assert data.get_cat_ids(3) == [0, 1]
    assert len(ClassBalancedDataset(inner, 0.2)) == 4
    with pytest.raises(IndexError, match="has 5 samples, no sample 5"):
        data[5]
    with pytest.raises(InputError, match="oversample_thr must be a share above 0 and at most 1, got 3"):
        ClassBalancedDataset(inner, 3)
