"""Decoding JPEG and PNG faster than OpenCV does, with the same pixels to the bit.

This needs the extra ``fast``. Files are decoded no further down and to the right than wanted. Whatever is unusual about
a file makes these functions return None, and the caller decodes it as ever.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from segue.images.jpeg import JpegHeader, decode_jpeg, read_jpeg_header
from segue.images.png import PngHeader, can_inflate, gray_png, inflated_png, is_turned, looks_cut_off, read_png_header

CV2_FLAGS = {
    "color": cv2.IMREAD_COLOR,
    "grayscale": cv2.IMREAD_GRAYSCALE,
    "unchanged": cv2.IMREAD_UNCHANGED,
    "color_ignore_orientation": cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION,
    "grayscale_ignore_orientation": cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION,
}
_AS_STORED = ("unchanged", "color_ignore_orientation", "grayscale_ignore_orientation")
_SMALL = 1 << 16  # bytes or pixels of a PNG from which unpacking it here pays


def upright_header(data: bytes, color_type: str) -> JpegHeader | PngHeader | None:
    """The header of a JPEG or PNG that has the size of its decoded pixels; None of all other files."""
    jpeg = read_jpeg_header(data)
    if jpeg is not None:
        return jpeg if not jpeg.turned or color_type in _AS_STORED else None
    return read_png_header(data) if color_type in _AS_STORED or not is_turned(data) else None


def decode_part(
    data: bytes,
    header: JpegHeader | PngHeader,
    color_type: str,
    size: tuple[int, int] | None = None,
    top: int = 0,
    left: tuple[int, NDArray[Any]] | None = None,
) -> tuple[NDArray[Any], int] | None:
    """The pixels as `segue.images.read.decode_image` gives them, those of a part at least.

    Args:
        data: a file that does not look cut off.
        header: what `upright_header` says about it.
        color_type: see `segue.images.read.read_image`.
        size: (H, W) of the upper left part that holds what is wanted; None for all.
        top: first row that is wanted.
        left: of an 8-bit gray PNG, the first column that is wanted, and its values (H,) uint8.

    Returns:
        Pixels from column 0 or ``left`` on, and which row of the file their first is; None: decode all of it.
    """
    if isinstance(header, JpegHeader):
        if color_type.startswith("grayscale"):
            return None
        pixels = decode_jpeg(data, header, color_type == "unchanged" and header.bands == 1, size and size[0])
        return None if pixels is None else (pixels, 0)
    small = len(data) < _SMALL and header.size[0] * header.size[1] < _SMALL
    plain = None if small else inflated_png(data, header, size, top, left)
    if plain is None:
        return None
    png, first = plain
    pixels = cv2.imdecode(png, CV2_FLAGS[color_type])
    return None if pixels is None else (pixels, first)


def decode_whole(data: bytes, color_type: str) -> NDArray[Any] | None:
    """All pixels of a JPEG or PNG, or None: see `decode_part`."""
    if looks_cut_off(data):
        return None
    header = upright_header(data, color_type)
    part = None if header is None else decode_part(data, header, color_type)
    return None if part is None else part[0]


def decode_indexes(data: bytes) -> NDArray[Any] | None:
    """(H, W) uint8 of a PNG of 8-bit grays or palette indexes, whose checksums are right; None of all other files.

    Pillow takes twice as long, most of it to hand over the pixels.
    """
    header = None if looks_cut_off(data) else read_png_header(data)
    gray = None if header is None else gray_png(data, header)
    return None if gray is None else cv2.imdecode(np.frombuffer(gray, np.uint8), cv2.IMREAD_UNCHANGED)


def large_indexes(data: bytes, pixels: int) -> tuple[bytes, PngHeader] | None:
    """A PNG of 8-bit grays or palette indexes as one of grays, for `decode_part`; None if it has fewer pixels."""
    header = None if looks_cut_off(data) else read_png_header(data)
    if not can_inflate() or header is None or header.interlaced or header.size[0] * header.size[1] < pixels:
        return None
    gray = gray_png(data, header)
    return None if gray is None else (gray, replace(header, color=0))
