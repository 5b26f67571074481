"""A window of a resized image, from no more of the image than it shows.

OpenCV has no call for that: it resizes an image from its top left corner. So a part of the image is resized whose
corner is nearly a pixel's corner in the result too: then the part is the whole moved by whole pixels, and what is right
of and below its corner comes out the same. An offset of 2/750 pixel, both directions together, changes a value by 0.7
gray levels at most, OpenCV's rounding of weights by 0.25, so that rounded values differ by one at most. Of such corners
that is taken which adds the fewest pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from segue.images.read import Array
from segue.images.window import PartialImage, Window
from segue.types import Size

_TOLERANCE = 2 / 750  # pixels of the image, both directions together
_FARTHEST = 512  # pixels of the result before the window among which a corner is looked for


def window_within(window: Window, size: Size) -> Window:
    """The window without what lies outside an image of ``size`` (H, W)."""
    rows, columns = (slice(part.start, min(part.stop, size[axis])) for axis, part in enumerate(window))
    return rows, columns


def resized_image(image: PartialImage, size: Size, window: Window) -> Array:
    """``window`` of the image resized bilinearly by OpenCV to ``size`` (H, W); at most a gray level off."""
    if tuple(image.size) == tuple(size):
        return image.read(window)
    rows, columns = _spans(image.size, size, window)
    part = image.read((rows.source, columns.source))
    resized = cv2.resize(part, None, fx=columns.factor, fy=rows.factor, interpolation=cv2.INTER_LINEAR)
    shown = resized[rows.result, columns.result]
    if resized.shape[:2] == part.shape[:2]:  # so nearly equal that OpenCV has copied the part
        whole = image.read((slice(0, image.size[0]), slice(0, image.size[1])))
        shown = cv2.resize(whole, size[::-1], interpolation=cv2.INTER_LINEAR)[window]
    return shown[:, :, None] if part.ndim == 3 and shown.ndim == 2 else shown  # OpenCV drops a single channel


def resized_labels(labels: PartialImage, size: Size, window: Window) -> Array:
    """``window`` of the label map (H, W) resized to ``size`` (H, W) by OpenCV's nearest neighbour, exactly."""
    if tuple(labels.size) == tuple(size):
        return labels.read(window)
    rows, columns = (_taken(*axis) for axis in zip(labels.size, size, window, strict=True))
    part = labels.read((slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)))
    rows, columns = rows - rows[0], columns - columns[0]
    # copying rows is fast, picking pixels is not: so columns are picked as rows, and where there are fewer of them
    if len(rows) > len(part):
        shown: Array = cv2.transpose(cv2.transpose(part)[columns])[rows]
    else:
        shown = cv2.transpose(cv2.transpose(part[rows])[columns])
    return shown


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
    def of(cls, old: int, new: int, window: slice, before: int) -> _Span:
        """Of the part that begins ``before`` pixels of the result before the window."""
        step, start = old / new, window.start - before
        first = round(start * step)
        end = min(old, math.floor((window.stop - 0.5) * step - 0.5) + 3)
        return cls(slice(first, end), new / old, slice(before, window.stop - start))


def _spans(old: Size, new: Size, window: Window) -> tuple[_Span, _Span]:
    """Rows and columns."""
    (rows, row_offsets), (columns, column_offsets) = (_corners(*axis) for axis in zip(old, new, window, strict=True))
    height, width = (part.stop - part.start for part in window)
    pixels = np.outer(height + rows, width + columns).astype(float)
    pixels[np.add.outer(row_offsets, column_offsets) > _TOLERANCE] = np.inf
    best = np.unravel_index(np.argmin(pixels), pixels.shape)
    chosen = int(rows[best[0]]), int(columns[best[1]])
    top, left = (_Span.of(*axis) for axis in zip(old, new, window, chosen, strict=True))
    return top, left


def _corners(old: int, new: int, window: slice) -> tuple[Array, Array]:
    """Where a part may begin: pixels of the result before the window (N,), and by how many pixels of the image it is
    then offset (N,); each is more exact than all nearer ones, and the last, the edge of the image, is exact.
    """
    step = old / new
    # enlarging looks half a pixel back, which the first pixels of a part lack
    last = max(window.start - math.ceil(max(0.5 / step - 0.5, 0)), 0)
    starts = np.append(np.arange(last, max(last - _FARTHEST, 0), -1), 0)
    corners = starts * step
    offsets = np.abs(corners - np.rint(corners))
    better = np.append(0, 1 + np.flatnonzero(offsets[1:] < np.minimum.accumulate(offsets)[:-1]))
    return window.start - starts[better], offsets[better]
