"""Pad: sizes, fills and modes on small arrays."""

from __future__ import annotations

import numpy as np
import pytest

from segue.errors import InputError
from segue.transforms.pad import Pad, pad_array

ROW = np.array([[1, 2, 3]], np.uint8)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("constant", [1, 2, 3, 9, 9]),
        ("edge", [1, 2, 3, 3, 3]),
        ("reflect", [1, 2, 3, 2, 1]),
        ("symmetric", [1, 2, 3, 3, 2]),
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_modes(mode, expected, dtype):
    """Oracle: written by hand; OpenCV and the numpy fallback agree."""
    assert pad_array(ROW.astype(dtype), (1, 5), 9, mode)[0].tolist() == expected


def test_fill_values(sample):
    """Oracle: img gets its number per channel, labels theirs (255 unless said)."""
    result = Pad(size=(30, 22), pad_val={"img": (1, 2, 3), "seg": 7})(sample())
    assert result["img"].shape == result["pad_shape"] == (22, 30, 3)
    assert result["img"][-1, -1].tolist() == [1, 2, 3]
    assert result["gt_seg_map"][-1, -1] == 7
    assert Pad(size=(30, 22), pad_val=5)(sample())["gt_seg_map"][-1, -1] == 255


def test_larger_image_stays(sample):
    """Oracle: 20 x 26 padded to (W, H) = (10, 24) gains rows only."""
    assert Pad(size=(10, 24))(sample())["img"].shape == (24, 26, 3)


def test_many_channels():
    padded = Pad(size=(4, 4), pad_val=6)({"img": np.ones((2, 2, 7), np.uint16)})["img"]
    assert padded.shape == (4, 4, 7)
    assert padded[3, 3].tolist() == [6] * 7


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "Pad: size, size_divisor must be given, exactly one of them, got \\(None, None\\)"),
        ({"size": (4, 4), "size_divisor": 2}, "exactly one of them"),
        ({"size": (4, 4), "pad_to_square": True}, "size must be None where pad_to_square is set"),
        ({"size_divisor": 0}, "size_divisor must be a positive integer, got 0"),
        ({"size": 4, "pad_val": {"image": 1}}, r"pad_val must be a number or dict\(img=..., seg=...\)"),
        ({"size": 4, "pad_val": "black"}, "pad_val must be numbers, got 'black'"),
        ({"size": 4, "pad_val": {"seg": 0.5}}, r"pad_val\['seg'\] must be an integer label, got 0.5"),
        ({"size": 4, "padding_mode": "wrap"}, "padding_mode must be one of 'constant', 'edge'"),
    ],
)
def test_refused_arguments(arguments, message):
    with pytest.raises(InputError, match=message):
        Pad(**arguments)


def test_number_per_channel_must_fit(sample):
    with pytest.raises(InputError, match=r"pad_val\['img'\] must be 3 numbers for 3 channels"):
        Pad(size=(60, 60), pad_val={"img": (1, 2)})(sample())
