"""RandomFlip on a picture of four pixels."""

from __future__ import annotations

import numpy as np
import pytest

from segue.errors import InputError
from segue.transforms.random_flip import RandomFlip, flip_array

SQUARE = np.array([[1, 2], [3, 4]])
FLIPPED = {"horizontal": [[2, 1], [4, 3]], "vertical": [[3, 4], [1, 2]], "diagonal": [[4, 3], [2, 1]]}


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.int32, np.int64])
@pytest.mark.parametrize("direction", FLIPPED)
def test_flip_array(direction, dtype):
    """Oracle: written down above; the result is contiguous for torch."""
    flipped = flip_array(SQUARE.astype(dtype), direction)
    assert flipped.tolist() == FLIPPED[direction]
    assert flipped.dtype == dtype
    assert flipped.flags.c_contiguous
    many = flip_array(np.dstack([SQUARE.astype(dtype)] * 7), direction)
    assert many[:, :, 6].tolist() == FLIPPED[direction]
    assert flip_array(SQUARE.astype(dtype)[:, :, None], direction)[:, :, 0].tolist() == FLIPPED[direction]


def test_records_direction(sample):
    flipped = RandomFlip(1.0, "vertical")(sample())
    assert flipped["flip"] is True
    assert flipped["flip_direction"] == "vertical"
    still = RandomFlip(0.0)(sample())
    assert still["flip"] is False
    assert still["flip_direction"] is None


def test_swapped_labels():
    """Oracle: left arm 1 and right arm 2 change places and names."""
    labels = np.array([[1, 0, 2]], np.uint8)
    given = {"img": np.zeros((1, 3, 3), np.uint8), "gt_seg_map": labels}
    assert RandomFlip(1.0, swap_seg_labels=[(1, 2)])(given)["gt_seg_map"].tolist() == [[1, 0, 2]]


def test_share_of_flips(sample):
    np.random.seed(0)
    step = RandomFlip(0.5)
    assert 35 <= sum(step(sample())["flip"] for _ in range(100)) <= 65


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "RandomFlip: prob must be a probability between 0 and 1, got None"),
        ({"prob": 1.5}, "prob must be a probability between 0 and 1, got 1.5"),
        ({"prob": 0.5, "direction": "sideways"}, "direction must be one of 'horizontal', 'vertical', 'diagonal'"),
        ({"prob": [0.5], "direction": ["horizontal", "vertical"]}, "prob must be one probability for each of"),
        ({"prob": [0.7, 0.7], "direction": ["horizontal", "vertical"]}, "prob must be at most 1 in total"),
        ({"prob": 0.5, "swap_seg_labels": [(1, 2, 3)]}, "swap_seg_labels must be a list of pairs of class ids"),
    ],
)
def test_refused_arguments(arguments, message):
    with pytest.raises(InputError, match=message):
        RandomFlip(**arguments)
