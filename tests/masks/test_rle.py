"""COCO's run lengths. The compressed texts were written by pycocotools 2.0."""

from __future__ import annotations

import numpy as np
import pytest

from segue.errors import DataError
from segue.masks.rle import compress, decode_rle, decompress, encode_rle

FRAME = np.zeros((60, 70), bool)
FRAME[5:50, 3:40] = True
FRAME[20:30, 10:20] = False
FRAME[55, 60:] = True
FRAME_TEXT = (
    "i5]1?000000000000ROK55KK55KK55KK55KK55KK55KK55KK55KK55KK55i000000000000000000000000000000000000000RW1dNZjN"
    "00000000000000000YN"
)
BIG = np.zeros((400, 300), bool)
BIG[:, 100:290] = True
BIG[3, 150] = False
BIG_TEXT = "PRW1Sac01iTS1ol3"


@pytest.mark.parametrize(
    ("mask", "text"),
    [
        (FRAME, FRAME_TEXT),
        (BIG, BIG_TEXT),
        (np.ones((4, 3), bool), "0<"),
        (np.zeros((4, 3), bool), "<"),
    ],
)
def test_texts_of_pycocotools(mask: np.ndarray, text: str):
    rle = {"size": list(mask.shape), "counts": text}
    np.testing.assert_array_equal(decode_rle(rle, mask.shape, "here"), mask)
    assert encode_rle(mask) == rle


def test_worked_by_hand():
    """Oracle: columns 0 0 1 | 1 1 0 | 1 ... ; the fourth count is written as its difference to the second, 1 - 3."""
    mask = np.array([[0, 1, 1], [0, 1, 0], [1, 0, 0]], bool)
    assert encode_rle(mask, compressed=False) == {"size": [3, 3], "counts": [2, 3, 1, 1, 2]}
    assert compress([2, 3, 1, 1, 2]) == "231N1"
    assert decompress("231N1", "here") == [2, 3, 1, 1, 2]


def test_both_kinds_come_back():
    random = np.random.default_rng(0)
    for _ in range(50):
        mask = random.random(tuple(random.integers(1, 40, 2))) < random.random()
        for compressed in (True, False):
            np.testing.assert_array_equal(decode_rle(encode_rle(mask, compressed), mask.shape, "here"), mask)


@pytest.mark.parametrize(
    ("rle", "message"),
    [
        ({"size": [3, 3], "counts": [9, 1]}, "here: its run lengths make more than 9 pixels, the image has 9"),
        ({"size": [3, 3], "counts": [10**15]}, "here: its run lengths make more than 9 pixels, the image has 9"),
        ({"size": [3, 3], "counts": [4, 4]}, "here: its run lengths make 8 pixels, the image has 9"),
        ({"size": [3, 3], "counts": [10, -1]}, "here: its run lengths make more than 9"),
        ({"size": [3, 3], "counts": [-1, 10]}, "here: count 0 is -1; run lengths are whole numbers from 0"),
        ({"size": [3, 3], "counts": [1.5]}, "here: count 0 is 1.5; run lengths are whole numbers"),
        ({"size": [99999, 99999], "counts": [1]}, "here: its run lengths are for [H, W] = [99999, 99999], the image"),
        ({"size": [3, 3], "counts": "2 "}, "here: character 1 of its compressed counts is no code"),
        ({"size": [3, 3], "counts": "oooooooooooooooo0"}, "here: count 0 of its compressed counts is longer than any"),
        ({"size": [3, 3], "counts": "2o"}, "here: its compressed counts are cut off"),
        ({"size": [3, 3], "counts": None}, "here: counts must be a list of numbers or a compressed text"),
        ([1, 2], "here: a run-length mask is {'size': [H, W], 'counts': ...}"),
    ],
)
def test_faults(rle: object, message: str):
    with pytest.raises(DataError) as caught:
        decode_rle(rle, (3, 3), "here")
    assert message in str(caught.value)
