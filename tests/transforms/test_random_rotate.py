"""RandomRotate by right angles, where the result is known."""

from __future__ import annotations

import numpy as np
import pytest

from segue.errors import InputError
from segue.transforms.random_rotate import RandomRotate, rotate_array

SQUARE = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]], np.uint8)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32])
def test_quarter_turn_is_clockwise(dtype):
    """Oracle: numpy's own quarter turn, which is counterclockwise."""
    turned = rotate_array(SQUARE.astype(dtype), 90, nearest=True)
    np.testing.assert_array_equal(turned, np.rot90(SQUARE, -1))
    assert turned.dtype == dtype


def test_whole_keeps_everything():
    """Oracle: a 2 x 4 image turned by 90 degrees is 4 x 2."""
    image = np.arange(8, dtype=np.uint8).reshape(2, 4)
    np.testing.assert_array_equal(rotate_array(image, 90, whole=True, nearest=True), np.rot90(image, -1))


def test_fill_covers_all_channels(sample):
    """Oracle: at 45 degrees the corners are uncovered; all channels get pad_val, labels seg_pad_val."""
    result = RandomRotate(1.0, (45, 45), pad_val=9, seg_pad_val=77)(sample())
    assert result["img"][0, 0].tolist() == [9, 9, 9]
    assert result["gt_seg_map"][0, 0] == 77


def test_probability_and_draws(sample):
    """Oracle: two numbers are drawn whether or not the image is turned."""
    np.random.seed(1)
    given = sample()
    before = given["img"].copy()
    np.testing.assert_array_equal(RandomRotate(0.0, 30.0)(given)["img"], before)
    after = np.random.rand()
    np.random.seed(1)
    np.random.rand(2)
    assert after == np.random.rand()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"prob": 2.0, "degree": 10.0}, "prob must be a probability"),
        ({"prob": 0.5, "degree": -3.0}, "degree must be positive if it is one number, got -3.0"),
        ({"prob": 0.5, "degree": (20, 10)}, "degree must be in ascending order"),
        ({"prob": 0.5, "degree": 10, "center": (1,)}, r"center must be two numbers \(x, y\)"),
        ({"prob": 0.5, "degree": 10, "center": (1, 2), "auto_bound": True}, "auto_bound must be False where center"),
        ({"prob": 0.5, "degree": 10, "seg_pad_val": None}, "seg_pad_val must be a number, got None"),
    ],
)
def test_refused_arguments(arguments, message):
    with pytest.raises(InputError, match=message):
        RandomRotate(**arguments)
