"""Label files to arrays of class ids, whatever their format.

Pictures are decoded by Pillow, because it keeps palette indexes. The EXIF orientation of a mask is not applied. A
palette stays indexes, values deeper than 8 bits are never wrapped.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from segue.errors import LabelError
from segue.images.colors import color_counts
from segue.images.decoders import decode_indexes
from segue.images.kinds import check_kind
from segue.images.limits import check_pixels
from segue.images.pixels import opencv_pixels, pillow_pixels
from segue.images.png import check_png, read_png_header
from segue.images.read import Array, read_bytes
from segue.images.stored import label_samples
from segue.images.tiff import BLACK, PALETTE, RGB, WHITE, TiffHeader, is_tiff, read_header
from segue.images.volumes import decode_npy
from segue.masks.labels import IGNORE
from segue.masks.path import MaskPath

_DEEP = 16
_RGB, _GRAY_ALPHA, _RGBA = 2, 4, 6  # kinds of PNG


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
    check_pixels(data, path)
    kind = check_kind(data, path)
    if kind == "npy":
        return as_labels(decode_npy(data, path), path)
    if kind in ("tiff", "jpeg2000"):
        return _raster_labels(data, path)
    check_png(data, path)
    indexes = decode_indexes(data)
    if indexes is not None:
        return indexes
    png = read_png_header(data)
    if png is not None and png.bits == _DEEP and png.color in (_RGB, _GRAY_ALPHA, _RGBA):  # Pillow makes them 8 bits
        colors = opencv_pixels(data, cv2.IMREAD_UNCHANGED)
        if colors is not None:
            return _integers(_single_channel(colors[:, :, 2::-1], path), path)
    picture = pillow_pixels(data, path)
    mask = np.array(picture)  # a copy, since Pillow's own memory is read-only
    if picture.mode in ("RGB", "RGBA", "LA", "PA", "RGBX"):
        return _single_channel(mask[:, :, :1] if picture.mode in ("LA", "PA") else mask[:, :, :3], path)
    if mask.ndim != 2:
        raise LabelError(f"{path}: a label map has one channel, this file has mode {picture.mode!r}")
    if kind == "pnm" and picture.mode == "1":
        mask = ~mask  # 1 is black in the file
    if png is not None and png.color == 0 and png.bits in (2, 4):
        mask //= 255 // ((1 << png.bits) - 1)  # Pillow stretches grays to 0..255
    return _integers(mask, path)


def _raster_labels(data: bytes, path: str | Path) -> Array:
    """The labels of a TIFF or JPEG 2000 file."""
    if is_tiff(data):
        header = read_header(data, path)
        gray = header.bands == 1 and header.photometric in (WHITE, BLACK, PALETTE)
        if not gray and not (header.plain and header.photometric == RGB):
            raise LabelError(f"{path}: a label map has one channel, this file has {header.bands} of {header.bits} bits")
        if header.more:
            raise LabelError(f"{path}: holds several pictures; a label map is one: save them one by one")
        if _pillow_is_right(header) and data[:4] != b"MM\0+":
            return np.array(pillow_pixels(data, path))
    samples, header = label_samples(data, path)
    if header.bands == 2:
        raise LabelError(f"{path}: a label map has one channel, this file has {header.bands} of {header.bits} bits")
    return _integers(_without_nodata(_single_channel(samples[:, :, :3], path), header.nodata, path), path)


def _pillow_is_right(header: TiffHeader) -> bool:
    indexes = header.photometric == PALETTE and header.bits <= 8
    bytes_ = header.photometric == BLACK and header.bits == 8 and header.unsigned
    return (indexes or bytes_) and header.orientation == 1 and header.common and not header.missing


def _without_nodata(mask: Array, nodata: float | None, path: str | Path) -> Array:
    """With `IGNORE` where a file has its value for no data, if that can be no label, such as NaN or -3.4e38."""
    if nodata is None or mask.dtype.kind != "f" or abs(nodata) <= np.iinfo(np.int32).max:
        return mask
    nothing = np.isnan(mask) if np.isnan(nodata) else mask == mask.dtype.type(nodata)
    if nothing.any() and (mask == IGNORE).any():
        raise LabelError(
            f"{path}: holds the label {IGNORE} and pixels without data ({nodata:g}), which would become it"
        )
    return np.where(nothing, mask.dtype.type(IGNORE), mask)


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
    if mask.dtype.kind not in "uif":
        raise LabelError(f"{path}: holds {mask.dtype}; labels are integers")
    if mask.dtype.kind == "f":
        fraction = ~np.isfinite(mask) | (mask != np.floor(mask))
        if fraction.any():
            raise LabelError(f"{path}: holds fractions such as {mask[fraction][0]:g}; labels are integers")
    lowest, highest = float(mask.min()), float(mask.max())
    if highest > np.iinfo(np.int32).max or lowest < np.iinfo(np.int32).min:
        beyond = highest if highest > np.iinfo(np.int32).max else lowest
        raise LabelError(f"{path}: holds values up to {beyond:g}, too large for class ids")
    return mask.astype(np.int32)


def _single_channel(pixels: Array, path: str | Path) -> Array:
    """(H, W) of channels (H, W, 1 or 3) that are equal."""
    if pixels.shape[2] > 1 and not (pixels == pixels[:, :, :1]).all():
        if pixels.dtype != np.uint8:
            raise LabelError(f"{path}: a colour mask of {pixels.dtype}; labels must be class ids in one channel")
        kinds = color_counts(pixels, rgb=True)
        most = sorted(kinds, key=lambda key: (-kinds[key], key))[:4]
        shown = ", ".join(str((key >> 16, key >> 8 & 255, key & 255)) for key in most) + ", ..." * (len(kinds) > 4)
        raise ColorMaskError(
            kinds,
            pixels.shape[:2],
            f"{path}: a colour (RGB) mask with {len(kinds)} colours: {shown}. Labels must be class ids in one channel; "
            "convert the colours to ids first and save an 8-bit gray or palette PNG",
        )
    labels: Array = pixels[:, :, 0].copy()
    return labels
