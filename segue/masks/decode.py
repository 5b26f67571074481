"""Label files to arrays of class ids, whatever their format.

Pictures are decoded by Pillow, because it keeps palette indexes. The EXIF orientation of a mask is not applied. A
palette stays indexes, values deeper than 8 bits are never wrapped.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from segue.errors import LabelError
from segue.images.colors import color_counts
from segue.images.decoders import decode_indexes
from segue.images.png import check_png
from segue.images.read import Array, pillow_pixels, read_bytes
from segue.images.tiff import is_tiff, read_header
from segue.images.volumes import decode_npy
from segue.masks.path import MaskPath


class ColorMaskError(LabelError):
    """A label file is a picture in colors.

    Attributes:
        colors: {red << 16 | green << 8 | blue: pixels}.
        size: (H, W).
    """

    def __init__(self, colors: Mapping[int, int], size: tuple[int, ...], message: str) -> None:
        super().__init__(message)
        self.colors = colors
        self.size = size


def read_mask(path: str | Path) -> Array:
    """Read a label file as (H, W) integers: uint8 for 8-bit files, int32 for deeper ones, never wrapped.

    Palette images give their indexes, bilevel ones 0 and 1; a numpy file is (H, W) integers. An RGB file whose channels
    are equal is one label map stored three times; any other is refused, since its colours would need a table to become
    class ids.

    A `MaskPath` names a label map that is no picture, such as polygons in a JSON file; its reader makes the map.
    """
    if isinstance(path, MaskPath):
        return path.read()
    return decode_mask(read_bytes(path), path)


def decode_mask(data: bytes, path: str | Path = "<bytes>") -> Array:
    """Decode a label file as `read_mask` does; ``path`` is used in messages only."""
    if data[:6] == b"\x93NUMPY":
        return as_labels(decode_npy(data, path), path)
    if is_tiff(data):
        header = read_header(data, path)
        if header.bits > 8 and header.bands > 1:  # Pillow has no such modes
            raise LabelError(f"{path}: a label map has one channel, this file has {header.bands} of {header.bits} bits")
    check_png(data, path)
    indexes = decode_indexes(data)
    if indexes is not None:
        return indexes
    picture = pillow_pixels(data, path)
    if picture.mode == "1":
        return np.array(picture, dtype=np.uint8)
    if picture.mode in ("RGB", "RGBA", "LA", "PA", "RGBX"):
        return _single_channel(picture, path)
    mask = np.array(picture)  # a copy, since Pillow's own memory is read-only
    if mask.ndim != 2:
        raise LabelError(f"{path}: a label map has one channel, this file has mode {picture.mode!r}")
    return _integers(mask, path)


def as_labels(array: Array, path: str | Path) -> Array:
    """An array as a label map, (H, W) uint8 or int32; ``path`` is used in messages only."""
    if array.ndim != 2 or array.size == 0:
        raise LabelError(f"{path}: a label map is (H, W), this array has the shape {array.shape}")
    return _integers(array, path)


def _integers(mask: Array, path: str | Path) -> Array:
    if mask.dtype == np.uint8:
        return mask
    if mask.dtype == np.bool_:
        return mask.astype(np.uint8)
    if mask.dtype.kind == "f" and not np.all(mask == np.floor(mask)):
        raise LabelError(f"{path}: holds fractions such as {mask[mask != np.floor(mask)][0]:g}; labels are integers")
    if mask.dtype.itemsize > 2 and (mask.max() > np.iinfo(np.int32).max or mask.min() < np.iinfo(np.int32).min):
        raise LabelError(f"{path}: holds values up to {mask.max():g}, too large for class ids")
    return mask.astype(np.int32)


def _single_channel(picture: Image.Image, path: str | Path) -> Array:
    pixels = np.asarray(picture)
    colors = pixels[:, :, :1] if picture.mode in ("LA", "PA") else pixels[:, :, :3]
    if not (colors == colors[:, :, :1]).all():
        kinds = color_counts(colors, rgb=True)
        most = sorted(kinds, key=lambda key: (-kinds[key], key))[:4]
        shown = ", ".join(str((key >> 16, key >> 8 & 255, key & 255)) for key in most) + ", ..." * (len(kinds) > 4)
        raise ColorMaskError(
            kinds,
            pixels.shape[:2],
            f"{path}: a colour (RGB) mask with {len(kinds)} colours: {shown}. Labels must be class ids in one channel; "
            "convert the colours to ids first and save an 8-bit gray or palette PNG",
        )
    return colors[:, :, 0].copy()
