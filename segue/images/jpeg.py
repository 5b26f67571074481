"""JPEG files: what the header says, and decoding no further down than asked.

With the extra ``fast`` (simplejpeg, which is libjpeg-turbo) a file is decoded from the top to a given row. A baseline
JPEG is one stream from top to bottom, so a header that claims fewer rows makes the decoder stop early; the pixels
above are the same to the bit, but for the last row, whose colours lean on the row below.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

try:
    import simplejpeg
except ImportError:
    simplejpeg = None

#: Sequential with Huffman codes, baseline or extended; progressive. The others are rare and decoded elsewhere.
_FRAMES = {0xC0, 0xC1, 0xC2}
_ALONE = {0x01, *range(0xD0, 0xD9)}  # markers without a length
_BLOCK = 16  # rows of the largest unit that is coded as one


@dataclass(frozen=True)
class JpegHeader:
    """Of an 8-bit JPEG.

    Attributes:
        size: (H, W) as stored.
        bands: 1 or 3.
        height_at: where in the file the number of rows stands.
        turned: the EXIF orientation is not the usual one.
    """

    size: tuple[int, int]
    bands: int
    height_at: int
    turned: bool


def read_jpeg_header(data: bytes) -> JpegHeader | None:
    """The header; None where it is of a kind that `decode_jpeg` leaves to others."""
    if data[:3] != b"\xff\xd8\xff":
        return None
    place, turned = 2, False
    while place + 10 <= len(data):
        if data[place] != 0xFF:
            return None
        marker = data[place + 1]
        if marker == 0xFF or marker in _ALONE:
            place += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(data[place + 2 : place + 4], "big")
        if marker == 0xE1 and data[place + 4 : place + 10] == b"Exif\0\0":
            turned = turned or _orientation(data[place + 10 : place + 2 + length]) != 1
        if marker in _FRAMES:
            bits, height, width, bands = struct.unpack_from(">BHHB", data, place + 4)
            usable = bits == 8 and height > 0 and width > 0 and bands in (1, 3)
            return JpegHeader((height, width), bands, place + 5, turned) if usable else None
        if (0xC0 <= marker <= 0xCF and marker != 0xC4) or marker in (0xD9, 0xDA):
            return None
        place += 2 + length
    return None


def decode_jpeg(data: bytes, header: JpegHeader, gray: bool = False, rows: int | None = None) -> NDArray[Any] | None:
    """BGR (H, W, 3), or (H, W) of a gray file with ``gray``, with the first ``rows`` rows at least.

    None where the extra is not installed or the file is damaged: another decoder then has the word.
    """
    if simplejpeg is None or (gray and header.bands != 1):
        return None
    height = header.size[0]
    enough = height if rows is None else -(-(rows + 1) // _BLOCK) * _BLOCK
    part = enough < height
    if part:
        data = data[: header.height_at] + enough.to_bytes(2, "big") + data[header.height_at + 2 :]
    try:
        # the rest of a file that is read in part would count as damage if strict
        image: NDArray[Any] = simplejpeg.decode_jpeg(data, "GRAY" if gray else "BGR", strict=not part)
    except ValueError:
        return None
    return image[:, :, 0] if gray else image


def jpeg_damage(data: bytes) -> str:
    """What a strict decoder says against a JPEG file that others repair in silence; nothing where it cannot be told."""
    header = read_jpeg_header(data)
    if simplejpeg is None or header is None or header.turned:
        return ""
    try:
        simplejpeg.decode_jpeg(data, "GRAY" if header.bands == 1 else "BGR", strict=True)
    except ValueError as error:
        return str(error)
    return ""


def _orientation(exif: bytes) -> int:
    """1 to 8; 0 where it cannot be told."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    try:
        if order is None:
            return 0
        (start,) = struct.unpack_from(order + "I", exif, 4)
        (count,) = struct.unpack_from(order + "H", exif, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, _, value = struct.unpack_from(order + "HHIH", exif, entry)
            if tag == 0x0112:
                return int(value) if kind == 3 and 1 <= value <= 8 else 0
    except struct.error:
        return 0
    return 1
