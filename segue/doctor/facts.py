"""What one image and its mask are, in a few numbers: the part of a check that runs in parallel."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np

from segue.errors import DataError
from segue.images.read import Array, read_image
from segue.masks.decode import ColorMaskError, read_mask
from segue.masks.labels import label_counts

Color = tuple[int, int, int]  # red, green, blue

#: More values than this in one mask are counted, but not kept one by one.
MOST_VALUES = 4096
#: Colors of a mask that are kept one by one.
MOST_COLORS = 64
#: A smoothed mask has many values, of which these few hold this share of the pixels.
FEW, SHARE, MANY = 12, 0.7, 24
#: An image without a value above this is dark enough to ask whether it has more bits than are read.
DARK = 64


@dataclass(frozen=True)
class Facts:
    """What `examine` found.

    Attributes:
        image, mask: the paths; no mask for an image without labels.
        image_error, mask_error: why a file cannot be used; empty for good ones.
        image_size, mask_size: (H, W), where known.
        values: {value: pixels} of the mask.
        distinct: how many different values there are.
        deep: whether the file has more than 8 bits per pixel.
        smooth: whether values in between appear along the borders, as resizing or JPEG leaves them.
        colors: the most frequent colors with their pixels, of a mask that is a color picture.
        image_digest, mask_digest: equal where the pixels are equal.
        stored: bands, mean and standard deviation of the values in a 16-bit image that is nearly black in 8 bits.
        raw: of multilabel masks, whose ``values`` are {class: its pixels}: {value in the files: pixels}.
        absent: of these the classes without a file.
        overlap: of these the pixels with several classes.
    """

    image: str
    mask: str | None
    image_error: str = ""
    mask_error: str = ""
    image_size: tuple[int, int] | None = None
    mask_size: tuple[int, int] | None = None
    values: Mapping[int, int] = field(default_factory=dict)
    distinct: int = 0
    deep: bool = False
    smooth: bool = False
    colors: tuple[tuple[Color, int], ...] = ()
    image_digest: bytes = b""
    mask_digest: bytes = b""
    stored: tuple[int, float, float] | None = None
    raw: Mapping[int, int] = field(default_factory=dict)
    absent: tuple[int, ...] = ()
    overlap: int = 0


def examine(image: str, mask: str | None, *, look_at_image: bool = True, color_type: str = "color") -> Facts:
    """Decode both files and sum them up. Errors are part of the result, since a check goes on."""
    found: dict[str, object] = {}
    if look_at_image:
        try:
            picture = read_image(image, color_type)
            found |= {"image_size": picture.shape[:2], "image_digest": digest(picture)}
            if color_type != "unchanged" and picture.max() < DARK:
                found["stored"] = _stored(image)
        except (DataError, OSError) as error:
            found["image_error"] = str(error)
    if mask is not None:
        found |= _examine_mask(mask)
    return Facts(image, mask, **found)  # type: ignore[arg-type]


def _stored(path: str) -> tuple[int, float, float] | None:
    """Bands, mean and standard deviation of a 16-bit image; None for others."""
    pixels = read_image(path, "unchanged")
    if pixels.dtype != np.uint16:
        return None
    return 1 if pixels.ndim == 2 else pixels.shape[2], float(pixels.mean()), float(pixels.std())


def _examine_mask(path: str) -> dict[str, object]:
    try:
        mask = read_mask(path)
    except ColorMaskError as error:
        return {"mask_error": str(error), **_colors(error)}
    except (DataError, OSError) as error:
        return {"mask_error": str(error)}
    counts = label_pixels(mask)
    top = sorted(counts.values(), reverse=True)
    kept = dict(list(counts.items())[:MOST_VALUES])
    return {
        "mask_size": mask.shape,
        "values": kept,
        "distinct": len(counts),
        "deep": mask.dtype != np.uint8,
        "smooth": mask.dtype == np.uint8 and len(counts) >= MANY and sum(top[:FEW]) >= SHARE * mask.size,
        "mask_digest": digest(mask),
    }


def label_pixels(mask: Array) -> dict[int, int]:
    """Pixels per value; OpenCV counts bytes without holding other threads up, exactly up to 2**24 pixels at a time."""
    if mask.dtype != np.uint8 or mask.ndim != 2 or not mask.size:
        return label_counts(mask)
    rows = max(1, (1 << 24) // mask.shape[1])
    total = np.zeros(256, np.int64)
    for top in range(0, mask.shape[0], rows):
        part = np.ascontiguousarray(mask[top : top + rows])
        total += cv2.calcHist([part], [0], None, [256], [0, 256]).ravel().astype(np.int64)
    return {int(value): int(total[value]) for value in np.flatnonzero(total)}


def _colors(error: ColorMaskError) -> dict[str, object]:
    """The colors of a mask that is a color picture, most frequent first."""
    order = sorted(error.colors, key=lambda key: (-error.colors[key], key))[:MOST_COLORS]
    colors = tuple(((key >> 16, key >> 8 & 255, key & 255), error.colors[key]) for key in order)
    return {"mask_size": error.size, "colors": colors, "distinct": len(error.colors)}


def digest(pixels: Array) -> bytes:
    """A short text that is equal where the pixels are."""
    result = hashlib.blake2b(repr((pixels.shape, pixels.dtype.str)).encode(), digest_size=16)
    result.update(np.ascontiguousarray(pixels).data)
    return result.digest()
