"""Pixels to outlines and back."""

from __future__ import annotations

import numpy as np

from segue.masks.draw import polygon
from segue.masks.trace import area, outlines, rings


def test_rings_of_a_frame():
    """Oracle: a 3 x 3 square with a hole of one pixel has borders of areas 9 and -1, with four corners each."""
    covered = np.zeros((5, 5), bool)
    covered[1:4, 1:4] = True
    covered[2, 2] = False
    found = sorted(rings(covered), key=area)
    assert [area(ring) for ring in found] == [-1, 9]
    assert sorted(map(tuple, found[1].tolist())) == [(1, 1), (1, 4), (4, 1), (4, 4)]


def test_pixels_that_touch_at_a_corner_are_two_regions():
    covered = np.eye(2, dtype=bool)
    assert [area(ring) for ring in rings(covered)] == [1, 1]


def test_rings_and_outlines_give_the_pixels_back():
    """Oracle: the masks themselves, random ones of all densities."""
    random = np.random.default_rng(0)
    for _ in range(40):
        size = tuple(random.integers(1, 12, 2))
        covered = random.random(size) < random.random()
        back = np.zeros(size, bool)
        found = rings(covered)
        if found:
            polygon(found, size).paint(back, True)
        np.testing.assert_array_equal(back, covered)
        labels = random.integers(0, 4, size)
        drawn = np.full(size, 9)
        for value, ring in outlines(labels):
            polygon([ring], size).paint(drawn, value)
        np.testing.assert_array_equal(drawn, labels)
