"""Generated palettes."""

from __future__ import annotations

from itertools import pairwise

from segue.datasets.palette import generate_palette


def test_distinct_and_stable():
    """Oracle: 300 different colours; those of a few classes do not depend on how many follow."""
    names = [f"thing {i}" for i in range(300)]
    palette = generate_palette(names)
    assert len({tuple(color) for color in palette}) == 300
    assert palette[:7] == generate_palette(names[:7])
    assert all(0 <= part <= 255 for color in palette for part in color)


def test_neighbours_are_far_apart():
    """Oracle: at least 90 of 255 in some channel between consecutive ones of the first twelve."""
    palette = generate_palette([f"thing {i}" for i in range(12)])
    assert min(max(abs(a - b) for a, b in zip(one, two, strict=True)) for one, two in pairwise(palette)) >= 90


def test_background_is_black():
    assert generate_palette(["Background", "cat"])[0] == [0, 0, 0]
    assert generate_palette(["cat", "dog"])[0] != [0, 0, 0]
