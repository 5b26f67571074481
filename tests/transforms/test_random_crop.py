"""RandomCrop: which windows are taken. Draws are compared in test_reference.py."""

from __future__ import annotations

import numpy as np
import pytest

from segue.errors import InputError
from segue.transforms.random_crop import RandomCrop, _areas


def test_smaller_image_keeps_its_size(sample):
    """Oracle: 20 x 26 cropped to 12 x 100 has 12 rows and all 26 columns."""
    result = RandomCrop((12, 100))(sample())
    assert result["img"].shape == (12, 26, 3)
    assert result["img_shape"] == result["gt_seg_map"].shape == (12, 26)


def test_cat_max_ratio_avoids_one_class():
    """Oracle: beside a vertical border 7 of 49 places are mixed enough: one draw finds one in 14 %, eleven in 82 %."""
    labels = np.zeros((64, 64), np.uint8)
    labels[:, 32:] = 1
    image = np.zeros((64, 64, 3), np.uint8)
    mixed = {}
    for ratio in (1.0, 0.75):
        np.random.seed(0)
        crops = [RandomCrop(16, ratio)({"img": image, "gt_seg_map": labels})["gt_seg_map"] for _ in range(100)]
        mixed[ratio] = sum(0.25 < crop.mean() < 0.75 for crop in crops)
    assert mixed[1.0] < 30 < 70 < mixed[0.75]


@pytest.mark.parametrize(("ignored", "more"), [(255, {}), (11, {"void": 11, "ignore_index": 255})])
def test_ignored_pixels_do_not_count(ignored, more):
    """Oracle: one class beside ignored pixels is still one class, so all ten tries are used: 1 + 10 draws of two.

    Files that mark them with 11 have been read, and then it is 255.
    """
    labels = np.full((20, 20), 255, np.uint8)
    labels[:, 10:] = 3
    np.random.seed(0)
    RandomCrop(8, 0.75, ignored)({"img": np.zeros((20, 20, 3), np.uint8), "gt_seg_map": labels, **more})
    after = np.random.randint(1000)
    np.random.seed(0)
    for _ in range(22):
        np.random.randint(0, 13)
    assert after == np.random.randint(1000)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
def test_areas(dtype):
    """Oracle: counted by hand; 255 is left out."""
    labels = np.array([[0, 0, 7], [255, 7, 7]], dtype)
    assert sorted(_areas(labels, 255).tolist()) == [2, 3]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"crop_size": (0, 5)}, r"RandomCrop: crop_size must be at least 1, got \(0, 5\)"),
        ({"crop_size": 0.5}, r"crop_size must be an integer or two integers \(H, W\), got 0.5"),
        ({"crop_size": 5, "cat_max_ratio": 75}, "cat_max_ratio must be a probability between 0 and 1, got 75"),
        ({"crop_size": 5, "ignore_index": "void"}, "ignore_index must be an integer, got 'void'"),
    ],
)
def test_refused_arguments(arguments, message):
    with pytest.raises(InputError, match=message):
        RandomCrop(**arguments)
