"""A window of a resized image, from a part of the image, is what OpenCV's resize of the whole shows there."""

from __future__ import annotations

from itertools import product

import cv2
import numpy as np
import pytest

from segue.images.window import WholeImage
from segue.transforms.resize_window import _TOLERANCE, _spans, resized_image, resized_labels


@pytest.mark.parametrize("new", [(150, 1025), (157, 2047), (157, 2049), (200, 2739), (313, 4000), (157, 2048)])
def test_large_and_nearly_equal_sizes(new) -> None:
    """Black and white noise, the hardest for interpolation, at scales where few corners fit or only the image's own."""
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 2, (157, 2048, 3), dtype=np.uint8) * 255
    labels = rng.integers(0, 19, (157, 2048), dtype=np.uint8)
    whole = cv2.resize(picture, new[::-1], interpolation=cv2.INTER_LINEAR).astype(int)
    whole_labels = cv2.resize(labels, new[::-1], interpolation=cv2.INTER_NEAREST)
    for top, left in ((0, 0), (7, 1), (63, 600), (new[0] - 80, new[1] - 300), (new[0] - 64, new[1] - 256)):
        window = slice(top, top + 64), slice(left, left + 256)
        shown = resized_image(WholeImage(picture), new, window)
        assert np.abs(shown - whole[window]).max() <= 1
        np.testing.assert_array_equal(resized_labels(WholeImage(labels), new, window), whole_labels[window])


def test_the_smallest_part_is_taken() -> None:
    """Oracle: all corners tried, of which each direction's offset counts."""
    rng = np.random.default_rng(1)
    for _ in range(50):
        old = tuple(int(size) for size in rng.integers(40, 90, 2))
        new = tuple(int(size) for size in rng.integers(60, 140, 2))
        window = slice(30, 50), slice(25, 55)
        spans = _spans(old, new, window)
        taken = [span.result.stop for span in spans]
        starts = []
        for axis in (0, 1):
            step = old[axis] / new[axis]
            looks_back = int(np.ceil(max(0.5 / step - 0.5, 0)))
            places = [0, *range(1, window[axis].start - looks_back + 1)]
            starts.append([(start, abs(start * step - round(start * step))) for start in places])
        sizes = [
            (window[0].stop - row) * (window[1].stop - column)
            for (row, first), (column, second) in product(*starts)
            if first + second <= _TOLERANCE
        ]
        assert taken[0] * taken[1] == min(sizes)
