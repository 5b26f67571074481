"""Pixels near borders. Oracle: erosion of each class's mask, as the paper has it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from segue.masks.borders import near_border


@pytest.mark.parametrize("distance", [1, 2, 5])
@pytest.mark.parametrize("kind", [np.uint8, np.int32])
def test_as_eroded_masks(distance, kind):
    rng = np.random.default_rng(0)
    labels = np.kron(rng.integers(0, 4, (5, 6)), np.ones((7, 6))).astype(kind) * (1 if kind == np.uint8 else 300)
    expected = np.zeros(labels.shape, bool)
    for value in np.unique(labels):
        mask = cv2.copyMakeBorder((labels == value).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
        inside = cv2.erode(mask, np.ones((3, 3), np.uint8), iterations=distance)[1:-1, 1:-1]
        expected |= (labels == value) & (inside == 0)
    assert (near_border(labels, distance) == expected).all()


def test_by_hand():
    """One pixel of another class in the middle of 7 x 7: its neighbors, itself and the edge of the map."""
    labels = np.zeros((7, 7), np.uint8)
    labels[3, 3] = 1
    near = near_border(labels, 1)
    expected = np.zeros((7, 7), bool)
    expected[2:5, 2:5] = True
    expected[[0, -1]] = expected[:, [0, -1]] = True
    assert (near == expected).all()


def test_a_map_smaller_than_the_distance():
    assert near_border(np.zeros((2, 3), np.uint8), 4).all()
