"""Pixels of datasets' own files to images and label maps of class ids, and back to PNG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from segue.convert.members import Member
from segue.errors import InputError, LabelError
from segue.images.read import decode_image
from segue.masks.decode import decode_mask
from segue.masks.labels import label_counts
from segue.masks.mat import MatReader

Array = NDArray[Any]
#: RGB in the order of ids.
Colors = Sequence[tuple[int, int, int]]
_NONE = 255
_NEAR = 8  # levels by which some pictures of ISPRS miss their colors


def png(array: Array) -> bytes:
    """(H, W) uint8 or uint16, or (H, W, 3) BGR uint8, as a PNG file."""
    if array.dtype not in (np.dtype(np.uint8), np.dtype(np.uint16)):
        raise InputError(f"a PNG holds uint8 or uint16, got {array.dtype}")
    encoded, data = cv2.imencode(".png", np.ascontiguousarray(array))
    assert encoded
    return data.tobytes()


def image_png(member: Member) -> bytes:
    """An image as an 8-bit PNG."""
    return png(image(member))


def foreground_png(member: Member) -> bytes:
    """A mask of 0 and 1 as a PNG, see `foreground`."""
    return png(foreground(member))


def image(member: Member) -> Array:
    """(H, W, 3) BGR uint8."""
    return decode_image(member.read(), "color", path=member.where)


def label_map(member: Member) -> Array:
    """(H, W) as stored: of a picture of three equal channels, one."""
    data = member.read()
    stored = decode_image(data, "unchanged", path=member.where)
    if stored.ndim == 2:
        return decode_mask(data, member.where)  # an image's grays of few bits are stretched, a label's are not
    if (stored[..., :3] != stored[..., :1]).any():
        raise LabelError(f"{member.where}: is a color picture, no label map of one channel")
    return np.ascontiguousarray(stored[..., 0])


def foreground(member: Member) -> Array:
    """0 and 1 of a mask of 0 and 255, or of a scan of one: 1 where the value is 128 or more."""
    gray = decode_image(member.read(), "grayscale", path=member.where)
    if 0 < gray.max() < 128:
        values = ", ".join(f"{value} ({count} pixels)" for value, count in list(label_counts(gray).items())[:6])
        raise LabelError(f"{member.where}: a mask of 0 and 255 is expected, this one has the values {values}")
    return (gray >= 128).astype(np.uint8)


def renumbered(labels: Array, ids: Mapping[int, int], where: str) -> Array:
    """``ids[value]`` of each pixel, uint8; a value that is not listed is a LabelError."""
    unknown = {value: count for value, count in label_counts(labels).items() if value not in ids}
    if unknown:
        listed = ", ".join(f"{value} ({count} pixels)" for value, count in list(unknown.items())[:6])
        raise LabelError(f"{where}: the labels {listed} are none of this dataset's {len(ids)} values")
    table = np.zeros(max(ids) + 1, np.uint8)
    table[list(ids)] = list(ids.values())
    return table[labels]


def renumbered_png(member: Member, ids: Mapping[int, int], variable: str = "") -> bytes:
    """The labels of a picture, or of a ``variable`` of a MATLAB file, renumbered."""
    stored = matlab_labels(member, variable) if variable else label_map(member)
    return png(renumbered(stored, ids, member.where))


def ids_of_colors(member: Member, colors: Colors) -> Array:
    """(H, W) index of each pixel's color, uint8; a color that is far from all of them is a LabelError."""
    bgr = image(member)
    packed = bgr[..., 0] | bgr[..., 1].astype(np.int32) << 8 | bgr[..., 2].astype(np.int32) << 16
    ids: Array = _table(tuple(colors))[packed]
    wrong = packed[ids == _NONE]
    if wrong.size:
        counts = label_counts(wrong)
        listed = ", ".join(
            f"({value >> 16}, {value >> 8 & 255}, {value & 255}) ({count} pixels)"
            for value, count in sorted(counts.items(), key=lambda item: -item[1])[:6]
        )
        more = f" and {len(counts) - 6} more" if len(counts) > 6 else ""
        raise LabelError(
            f"{member.where}: the colors {listed}{more} are none of the {len(colors)} (R, G, B) of the classes"
        )
    return ids


@lru_cache(maxsize=4)
def _table(colors: tuple[tuple[int, int, int], ...]) -> Array:
    """Index of each of the 2^24 colors."""
    table = np.full((256, 256, 256), _NONE, np.uint8)
    for near in (_NEAR, 0):  # the colors themselves last, in case their surroundings meet
        for index, color in enumerate(colors):
            red, green, blue = (slice(max(level - near, 0), level + near + 1) for level in color)
            table[red, green, blue] = index
    return table.reshape(-1)


def matlab_labels(member: Member, variable: str) -> Array:
    """(H, W) labels of a MATLAB file."""
    with member.local() as path:
        return MatReader("", variable=variable).read(str(path), "")
