"""A window of a resized image, from no more of the image than it shows.

OpenCV has no call for that: it resizes an image from its top left corner. So a part of the image is resized whose
corner is also a pixel's corner in the result, to 1/750 of a pixel: then the part is the whole moved by whole pixels,
and what is right of and below its corner comes out the same. An offset of 1/750 pixel in both directions changes a
value by 0.7 gray levels at most, OpenCV's rounding of weights by 0.25, so that rounded values differ by one at most.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from segue.images import Array
from segue.partial_image import PartialImage, Window
from segue.types import Size

_TOLERANCE = 1 / 750


def window_within(window: Window, size: Size) -> Window:
    """The window without what lies outside an image of ``size`` (H, W)."""
    rows, columns = (slice(part.start, min(part.stop, size[axis])) for axis, part in enumerate(window))
    return rows, columns


def resized_image(image: PartialImage, size: Size, window: Window) -> Array:
    """``window`` of the image resized bilinearly by OpenCV to ``size`` (H, W); at most a gray level off."""
    if tuple(image.size) == tuple(size):
        return image.read(window)
    rows, columns = (_Span.of(*axis) for axis in zip(image.size, size, window, strict=True))
    part = image.read((rows.source, columns.source))
    resized = cv2.resize(part, None, fx=columns.factor, fy=rows.factor, interpolation=cv2.INTER_LINEAR)
    resized = resized[:, :, None] if part.ndim == 3 and resized.ndim == 2 else resized  # OpenCV drops a single channel
    return resized[rows.result, columns.result]


def resized_labels(labels: PartialImage, size: Size, window: Window) -> Array:
    """``window`` of the label map (H, W) resized to ``size`` (H, W) by OpenCV's nearest neighbour, exactly."""
    if tuple(labels.size) == tuple(size):
        return labels.read(window)
    rows, columns = (_taken(*axis) for axis in zip(labels.size, size, window, strict=True))
    part = labels.read((slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)))
    rows, columns = rows - rows[0], columns - columns[0]
    if len(rows) > len(part):  # copying rows is fast, picking pixels is not, so that is done where there are fewer rows
        return np.take(part, columns, axis=1)[rows]
    return np.take(part[rows], columns, axis=1)


def _taken(old: int, new: int, window: slice) -> Array:
    """Which of ``old`` pixels in a row those of ``window`` are copies of; OpenCV itself is asked."""
    places = np.arange(old, dtype=np.int32)[None]
    return cv2.resize(places, (new, 1), interpolation=cv2.INTER_NEAREST)[0, window]


@dataclass(frozen=True)
class _Span:
    """One axis: resize ``source`` of the image by ``factor``, and take ``result`` of that."""

    source: slice
    factor: float
    result: slice

    @classmethod
    def of(cls, old: int, new: int, window: slice) -> _Span:
        step = old / new
        # enlarging looks half a pixel back, which the first pixels of a part lack
        last = window.start - math.ceil(max(0.5 / step - 0.5, 0))
        starts = np.arange(max(last, 0), -1, -1)
        corners = starts * step
        start = int(starts[np.argmax(np.abs(corners - np.rint(corners)) <= _TOLERANCE)])  # 0 always fits
        first = round(start * step)
        end = min(old, math.floor((window.stop - 0.5) * step - 0.5) + 3)
        return cls(slice(first, end), new / old, slice(window.start - start, window.stop - start))
