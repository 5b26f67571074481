"""Resize and its kin: sizes by hand, refusals by message. Pixels are compared in test_reference.py."""

from __future__ import annotations

import numpy as np
import pytest

from segue.errors import InputError
from segue.transforms.random_choice_resize import RandomChoiceResize
from segue.transforms.random_resize import RandomResize
from segue.transforms.resize import Resize, fit_within, resize_array
from segue.transforms.resize_shortest_edge import ResizeShortestEdge
from segue.transforms.resize_to_multiple import ResizeToMultiple


@pytest.mark.parametrize(
    ("size", "scale", "expected"),
    [
        ((1024, 2048), (2049, 1025), (1025, 2049)),  # 2049/2048 = 1.00049 < 1025/1024; 1024 * it + 0.5 = 1025.0
        ((512, 683), (2048, 512), (512, 683)),
        ((375, 500), (2048, 512), (512, 683)),  # 512/375 * 500 = 682.67
        ((500, 375), (2048, 512), (683, 512)),  # the long side may be the height
        ((100, 1000), (2048, 512), (205, 2048)),  # the long side decides: 204.8
    ],
)
def test_fit_within(size, scale, expected):
    """Oracle: int(side * min(long/long, short/short) + 0.5), worked by hand."""
    assert fit_within(size, scale) == expected


def test_resize_records(sample):
    """Oracle: 20 x 26 (H x W) to (W, H) = (52, 30) has the factors 52/26 and 30/20."""
    result = Resize((52, 30))(sample())
    assert result["img"].shape == (30, 52, 3)
    assert result["gt_seg_map"].shape == (30, 52)
    assert result["img_shape"] == (30, 52)
    assert result["ori_shape"] == (20, 26)
    assert result["scale_factor"] == (2.0, 1.5)
    assert result["scale"] == (52, 30)
    assert result["keep_ratio"] is False


def test_labels_stay_labels(sample):
    """Oracle: nearest-neighbour interpolation makes no value that was not there."""
    given = sample()
    values = set(np.unique(given["gt_seg_map"]))
    assert set(np.unique(Resize((57, 33))(given)["gt_seg_map"])) <= values


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint16, np.float32, bool])
def test_resize_array_keeps_dtype(dtype):
    """Oracle: each pixel of a doubled 2 x 2 map appears four times."""
    small = np.array([[0, 1], [1, 1]], dtype)
    large = resize_array(small, (4, 4), "nearest")
    assert large.dtype == dtype
    np.testing.assert_array_equal(large, np.kron(small.astype(int), np.ones((2, 2), int)).astype(dtype))


def test_resize_array_keeps_one_channel():
    assert resize_array(np.zeros((4, 5, 1), np.uint8), (8, 10)).shape == (8, 10, 1)


def test_sixteen_bit_and_many_channels():
    """Oracle: a constant image stays constant."""
    image = np.full((6, 7, 9), 40000, np.uint16)
    result = Resize((14, 12))({"img": image})["img"]
    assert result.shape == (12, 14, 9)
    assert (result == 40000).all()


def test_random_resize_range(sample):
    """Oracle: ratios 0.5..2 of (26, 20) give widths 13..52."""
    np.random.seed(0)
    widths = [RandomResize((26, 20), (0.5, 2.0))(sample())["img"].shape[1] for _ in range(40)]
    assert 13 <= min(widths) < 20
    assert 40 < max(widths) <= 52


def test_random_choice_resize_draws_all(sample):
    step = RandomChoiceResize([20, 30, 40])
    np.random.seed(0)
    assert {step(sample())["scale_idx"] for _ in range(30)} == {0, 1, 2}


def test_resize_to_multiple(sample):
    """Oracle: 20 x 26 to the next multiples of 16: 32 x 32."""
    result = ResizeToMultiple(16)(sample())
    assert result["img"].shape[:2] == result["gt_seg_map"].shape == result["pad_shape"] == (32, 32)


def test_shortest_edge_is_limited(sample):
    """Oracle: the short side 20 would become 40 and the long 52, which is cut to 45: 45/52 * 40 = 34.6."""
    assert ResizeShortestEdge(40, 45)(sample())["img"].shape[:2] == (35, 45)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Resize(), "Resize: scale must be given unless scale_factor is, got None"),
        (lambda: Resize((10, 20, 30)), r"scale must be an integer or two integers \(W, H\), got \(10, 20, 30\)"),
        (lambda: Resize((10, 0)), r"scale must be at least 1, got \(10, 0\)"),
        (
            lambda: Resize(10, interpolation="cubic"),
            "interpolation must be one of 'nearest', 'bilinear', .*, got 'cubic'",
        ),
        (lambda: Resize(10, backend="pil"), "backend must be one of 'cv2', 'pillow', got 'pil'"),
        (lambda: Resize(scale_factor=-1.0), "scale_factor must be a positive number or two"),
        (lambda: RandomResize((10, 20)), r"ratio_range must be \(low, high\) since scale is one pair"),
        (lambda: RandomResize((10, 20), (2.0, 0.5)), r"ratio_range must be in ascending order \(low, high\)"),
        (lambda: RandomResize((10, 20), (0.0, 0.5)), "ratio_range must be positive"),
        (lambda: RandomResize((10, 20), (1.0, 2.0), "Rescale"), "resize_type must be one of 'Resize', got 'Rescale'"),
        (lambda: RandomChoiceResize([]), "scales must be a list of scales"),
        (lambda: RandomChoiceResize([10], "ResizeShortestEdge"), "max_size must be given with resize_type"),
        (lambda: RandomChoiceResize([10], max_size=5), "max_size must be left out unless"),
        (lambda: ResizeToMultiple(0), "size_divisor must be a positive integer, got 0"),
        (lambda: ResizeShortestEdge(10, 0), "max_size must be a positive integer, got 0"),
    ],
)
def test_refused_arguments(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_vanishing_image_is_refused():
    """Oracle: 2 x 1000 within (100, 100) leaves 0.2 rows."""
    with pytest.raises(InputError, match="large enough to leave pixels of an image 1000 x 2"):
        Resize((100, 100), keep_ratio=True)({"img": np.zeros((2, 1000, 3), np.uint8)})
