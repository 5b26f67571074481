"""PhotoMetricDistortion: the tables, and what it refuses. Results are compared in test_reference.py."""

from __future__ import annotations

import numpy as np
import pytest

from segue.errors import InputError
from segue.transforms.photo_metric_distortion import PhotoMetricDistortion, _scaled


def test_table():
    """Oracle: worked by hand: factors and offsets, truncated and cut off."""
    assert _scaled(factor=1.5)[[0, 1, 3, 200]].tolist() == [0, 1, 4, 255]
    assert _scaled(offset=-10.5)[[0, 10, 11, 255]].tolist() == [0, 0, 0, 244]


def test_labels_are_untouched(sample):
    given = sample()
    labels = given["gt_seg_map"].copy()
    np.random.seed(1)
    np.testing.assert_array_equal(PhotoMetricDistortion()(given)["gt_seg_map"], labels)


@pytest.mark.parametrize(
    "image", [np.zeros((4, 5, 3), np.float32), np.zeros((4, 5), np.uint8), np.zeros((4, 5, 4), np.uint8)]
)
def test_other_images_are_refused(image):
    with pytest.raises(InputError, match=r"takes uint8 images of 3 bands, this one is (float32|uint8) \(4, 5"):
        PhotoMetricDistortion()({"img": image})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"brightness_delta": -1}, "brightness_delta must be a number from 0, got -1"),
        ({"contrast_range": (1.5, 0.5)}, "contrast_range must be in ascending order"),
        ({"saturation_range": 0.5}, r"saturation_range must be two numbers \(low, high\), got 0.5"),
        ({"hue_delta": 0}, "hue_delta must be an integer from 1, got 0"),
    ],
)
def test_refused_arguments(arguments, message):
    with pytest.raises(InputError, match=message):
        PhotoMetricDistortion(**arguments)
