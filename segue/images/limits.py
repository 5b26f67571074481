"""What is not opened as an image: pipes and devices, which may never end, and pictures of absurdly many pixels.

A PNG of 100 kB can hold 30,000 x 30,000 pixels of one color, which take gigabytes. The size is read from the header,
whatever decodes the file afterwards.
"""

from __future__ import annotations

import io
import os
import re
import stat
import struct
import warnings
from pathlib import Path

from PIL import Image

from segue.errors import DataError, InputError
from segue.images.jpeg import read_jpeg_header
from segue.images.png import read_png_header
from segue.images.tiff import is_tiff, read_header

MAX_PIXELS = 1 << 29  # 23,000 x 23,000; in three bytes each, 1.6 GB
SETTING = "SEGUE_MAX_PIXELS"
_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a folder",
}


def max_pixels() -> int:
    """The most pixels of one picture: SEGUE_MAX_PIXELS, or else MAX_PIXELS.

    Raises:
        InputError: the variable is no positive whole number.
    """
    given = os.environ.get(SETTING)
    if not given:
        return MAX_PIXELS
    if not given.isdigit() or not int(given):
        raise InputError(f"{SETTING}={given!r}: a positive whole number of pixels is expected")
    return int(given)


def check_file(path: str | Path) -> None:
    """Refuse what is there and is no file; what is missing is the business of whoever opens it.

    Raises:
        DataError: a pipe, a device, a socket or a folder.
    """
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return
    if not stat.S_ISREG(mode):
        raise DataError(f"{path}: cannot be read: it is {_KINDS.get(stat.S_IFMT(mode), 'something else')}, not a file")


def check_pixels(data: bytes, path: str | Path) -> None:
    """Refuse a picture of too many pixels before it is decoded.

    Raises:
        DataError: it has more than `max_pixels`.
    """
    limit = max_pixels()
    size = stored_size(data, path)
    if size is not None and size[0] * size[1] > limit:
        raise DataError(
            f"{path}: {size[0]} x {size[1]} pixels in {len(data)} bytes, more than the limit of {limit}; cut it into "
            f"tiles, or set the environment variable {SETTING} if you have the memory"
        )


def stored_size(data: bytes, path: str | Path = "<bytes>") -> tuple[int, int] | None:
    """(H, W) as the header says, before any turning; None where no header can be read.

    Raises:
        DataError: a damaged TIFF.
    """
    known = read_png_header(data) or read_jpeg_header(data)
    if known is not None:
        return known.size
    if is_tiff(data):
        return read_header(data, path, complete=False).size
    try:
        found = _other_size(data)
    except struct.error:
        return None
    return found or _size_by_pillow(data)


def _other_size(data: bytes) -> tuple[int, int] | None:
    """Of BMP, GIF, WebP and JPEG 2000."""
    if data[:2] == b"BM":
        old = struct.unpack_from("<I", data, 14)[0] == 12
        width, height = struct.unpack_from("<HH" if old else "<ii", data, 18)
        return abs(height), abs(width)
    if data[:4] == b"GIF8":
        width, height = struct.unpack_from("<HH", data, 6)
        return height, width
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        if data[12:16] == b"VP8X":
            return 1 + int.from_bytes(data[27:30], "little"), 1 + int.from_bytes(data[24:27], "little")
        if data[12:16] == b"VP8L":
            (bits,) = struct.unpack_from("<I", data, 21)
            return 1 + (bits >> 14 & 0x3FFF), 1 + (bits & 0x3FFF)
        width, height = struct.unpack_from("<HH", data, 26)
        return height & 0x3FFF, width & 0x3FFF
    if data[:4] == b"\xff\x4f\xff\x51":  # a bare stream of JPEG 2000
        right, bottom, left, top = struct.unpack_from(">IIII", data, 8)
        return bottom - top, right - left
    if data[4:8] == b"jP  ":
        place = data.find(b"ihdr", 0, 4096)
        if place > 0:
            height, width = struct.unpack_from(">II", data, place + 4)
            return height, width
    return None


def _size_by_pillow(data: bytes) -> tuple[int, int] | None:
    """Of any other format that Pillow knows; it decodes nothing until it is asked for pixels."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data)) as picture:
                return picture.height, picture.width
    except Image.DecompressionBombError as error:  # its words have the number of pixels, and nothing else has
        number = re.search(r"\((\d+) pixels\)", str(error))
        return (1, int(number[1])) if number else None
    except Exception:  # no picture that Pillow knows: the decoder will say what it is
        return None


def allow_in_pillow() -> None:
    """Where the user has set a limit, it is Pillow's, too, which has a lower one of its own."""
    if os.environ.get(SETTING) and Image.MAX_IMAGE_PIXELS is not None:
        Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, max_pixels())
