"""Outlines to pixels, compared with masks worked by hand and with a test of every pixel's center."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from segue.masks import draw
from segue.masks.draw import Patch, line, polygon


def painted(patch: Patch, size: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(size, np.uint8)
    patch.paint(mask, 1)
    return mask


def center_inside(rings: list[np.ndarray], x: float, y: float) -> bool:
    """Even-odd by counting, one edge after the other, the edges to the left of a point."""
    crossings = 0
    for ring in rings:
        for (ax, ay), (bx, by) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
            if (ay <= y < by or by <= y < ay) and ax + (y - ay) / (by - ay) * (bx - ax) <= x:
                crossings += 1
    return crossings % 2 == 1


def test_a_square_covers_the_pixels_between_its_corners():
    """Oracle: by hand; (1, 1) to (3, 4) is 2 columns and 3 rows."""
    square = np.array([[1, 1], [3, 1], [3, 4], [1, 4]], float)
    expected = np.zeros((5, 4), np.uint8)
    expected[1:4, 1:3] = 1
    np.testing.assert_array_equal(painted(polygon([square], (5, 4)), (5, 4)), expected)
    np.testing.assert_array_equal(painted(polygon([square[::-1]], (5, 4)), (5, 4)), expected)
    closed = np.concatenate([square, square[:1]])
    np.testing.assert_array_equal(painted(polygon([closed], (5, 4)), (5, 4)), expected)


@pytest.mark.parametrize(("left", "first"), [(1.49, 1), (1.5, 1), (1.51, 2)])
def test_a_center_on_the_left_edge_is_inside(left: float, first: int):
    """Oracle: the center of column 1 is at 1.5; on the right edge it would be outside."""
    box = np.array([[left, 0], [left + 2, 0], [left + 2, 1], [left, 1]])
    columns = np.flatnonzero(painted(polygon([box], (1, 6)), (1, 6))[0])
    np.testing.assert_array_equal(columns, [first, first + 1])


def test_polygons_agree_with_every_center():
    """Oracle: `center_inside`, pixel by pixel, for random rings inside, around and beyond the image, with holes."""
    random = np.random.default_rng(0)
    size = (13, 17)
    for _ in range(60):
        rings = [random.uniform(-6, 22, (random.integers(3, 8), 2)) for _ in range(random.integers(1, 3))]
        expected = [[center_inside(rings, x + 0.5, y + 0.5) for x in range(size[1])] for y in range(size[0])]
        np.testing.assert_array_equal(painted(polygon(rings, size), size), expected)


def test_neighbors_share_no_pixel_and_leave_none_out(monkeypatch: pytest.MonkeyPatch):
    """Oracle: triangles around a point inside cover the image exactly once, also in small portions of edges."""
    random = np.random.default_rng(1)
    corners = np.array([[0, 0], [20, 0], [20, 15], [0, 15]], float)
    for most in (1 << 22, 7):
        monkeypatch.setattr(draw, "_AT_ONCE", most)
        total = np.zeros((15, 20), int)
        middle = random.uniform(2, 13, 2)
        for i in range(4):
            total += painted(polygon([np.array([corners[i - 1], corners[i], middle])], (15, 20)), (15, 20))
        assert (total == 1).all()


def test_a_ring_inside_is_a_hole():
    """Oracle: 6 x 6 pixels less 2 x 2."""
    outer, inner = (np.array([[a, a], [b, a], [b, b], [a, b]], float) for a, b in ((0, 6), (2, 4)))
    assert polygon([outer, inner], (6, 6)).area == 32


@pytest.mark.parametrize("far", [50.0, 1e5, 1e9])
def test_what_lies_beyond_the_image_is_cut_off(far: float):
    """Oracle: the half plane x >= 2, as a huge rectangle."""
    huge = np.array([[2, -far], [far, -far], [far, far], [2, far]])
    expected = np.zeros((4, 5), np.uint8)
    expected[:, 2:] = 1
    np.testing.assert_array_equal(painted(polygon([huge], (4, 5)), (4, 5)), expected)
    assert not painted(polygon([huge + np.array([far, 0])], (4, 5)), (4, 5)).any()
    assert polygon([huge - np.array([0, 3 * far])], (4, 5)).area == 0


def test_lines_cover_the_centers_within_half_their_width():
    """Oracle: the distance of every center to the segments, worked by the angle at the foot."""
    points, size = np.array([[2.0, 3.0], [9.5, 3.5], [9.0, 11.0]]), (14, 15)
    expected = np.zeros(size, np.uint8)
    for r in range(size[0]):
        for c in range(size[1]):
            for a, b in pairwise(points):
                p, d = np.array([c + 0.5, r + 0.5]) - a, b - a
                t = min(1.0, max(0.0, float(p @ d / (d @ d))))
                expected[r, c] |= math.dist(p, t * d) <= 1.6
    np.testing.assert_array_equal(painted(line(points, 3.2, size), size), expected)


def test_a_point_is_a_disc():
    """Oracle: of radius 1 around a pixel's center, that pixel and its four neighbors."""
    disc = painted(line(np.array([[2.5, 2.5]]), 2.0, (5, 5)), (5, 5))
    np.testing.assert_array_equal(np.argwhere(disc), [[1, 2], [2, 1], [2, 2], [2, 3], [3, 2]])
    assert line(np.array([[-9.0, 2.5]]), 2.0, (5, 5)).area == 0
