"""Binary masks: mistakes that only show in the whole dataset."""

from __future__ import annotations

import pytest

from segue.datasets.base_seg import BaseSegDataset
from segue.errors import LabelError

FILES = {"img/a.png": None, "img/b.png": None, "img/c.png": None}


def binary(folder, masks, **options):
    root = folder({**FILES, **{f"ann/{name}.png": values for name, values in zip("abc", masks, strict=True)}})
    return BaseSegDataset(
        data_root=str(root),
        data_prefix={"img_path": "img", "seg_map_path": "ann"},
        img_suffix=".png",
        metainfo={"classes": ("background", "crack")},
        **options,
    )


def test_zero_and_255(folder):
    """Oracle: 3 masks x 6 pixels; 0 in 6 + 3 + 3 of them, 255 in 6."""
    with pytest.raises(
        LabelError,
        match=r"ann/a.png and all other masks \(3\) hold only 0 \(12 pixels\), 255 \(6 pixels\), and 255 means ignore: "
        r"class 1 would never be seen. .* set label_map=\{0: 0, 255: 1\} on the dataset$",
    ):
        binary(folder, [[0], [0, 255], [255, 0]])


def test_copied_reduce_zero_label(folder):
    with pytest.raises(LabelError, match=r"turns 0 into ignore and 1 into class 0: .* Set reduce_zero_label=False"):
        binary(folder, [[0], [0, 1], [1]], reduce_zero_label=True)


def test_zero_and_255_under_reduce_zero_label(folder):
    with pytest.raises(LabelError, match=r"set label_map=\{0: 0, 255: 1\} on the dataset and reduce_zero_label=False"):
        binary(folder, [[0], [0, 255], [0]], reduce_zero_label=True)


@pytest.mark.parametrize(
    ("masks", "options"),
    [
        ([[0], [0, 255], [0, 1, 255]], {}),  # 255 is the outline: class 1 appears in the last mask
        ([[0], [0], [0]], {}),  # a test set without a single crack
        ([[0, 255], [0], [0, 255]], {"label_map": {0: 0, 255: 1}}),
        ([[0, 1], [1, 2], [0]], {"reduce_zero_label": True}),
    ],
)
def test_valid(folder, masks, options):
    assert len(binary(folder, masks, **options)) == 3
