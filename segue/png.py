"""PNG files: what the header says, and decoding no more than asked.

Most of the time that a decoder spends on a PNG goes into undoing the compression. With the extra ``fast`` (isal, the
inflate of Intel's ISA-L) that part is done here, down to the last row that is wanted. The result is a PNG again, of
stored instead of compressed data, so OpenCV still does the rest and the pixels are the same to the bit.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

try:
    from isal import isal_zlib
except ImportError:
    isal_zlib = None  # type: ignore[assignment]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_BANDS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
#: Parts that say how pixels are to be understood; all others are comments, or animate or turn the picture.
_KEPT = {b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"iCCP", b"bKGD", b"cICP", b"pHYs"}
_REFUSED = {b"acTL", b"eXIf"}
_STORED = 65535  # most bytes of a stored block


@dataclass(frozen=True)
class PngHeader:
    """The part IHDR.

    Attributes:
        size: (H, W).
        bits: per value.
        color: 0 gray, 2 RGB, 3 palette, 4 gray and alpha, 6 RGBA.
        interlaced: the rows are not in order.
    """

    size: tuple[int, int]
    bits: int
    color: int
    interlaced: bool

    @property
    def row_bytes(self) -> int:
        """Of one row before compression, with the byte that names its filter."""
        return 1 + -(-self.size[1] * _BANDS[self.color] * self.bits // 8)


def read_png_header(data: bytes) -> PngHeader | None:
    """The header of a PNG, None of any other file."""
    if data[:8] != _SIGNATURE or data[12:16] != b"IHDR" or len(data) < 33:
        return None
    width, height, bits, color, _, _, interlace = struct.unpack_from(">IIBBBBB", data, 16)
    if not width or not height or color not in _BANDS:
        return None
    return PngHeader((height, width), bits, color, interlace != 0)


def can_inflate() -> bool:
    """Whether the extra is installed."""
    return isal_zlib is not None


def inflated_png(data: bytes, header: PngHeader, size: tuple[int, int] | None = None) -> NDArray[Any] | None:
    """The file with its pixels not compressed, as bytes (N,) uint8, of the upper left part of ``size`` (H, W) only.

    No pixel depends on one below it or to its right, so that part is a picture too.

    None where the extra is not installed or the file is damaged, animated, interlaced or turned: decode it as it is.
    """
    if isal_zlib is None or header.interlaced:
        return None
    parts: list[tuple[bytes, bytes]] = []
    pieces: list[memoryview] = []
    view = memoryview(data)
    place = 8
    while place + 12 <= len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        kind, end = data[place + 4 : place + 8], place + 8 + length
        checksum = data[end : end + 4]
        if len(checksum) < 4 or isal_zlib.crc32(view[place + 4 : end]) != int.from_bytes(checksum, "big"):
            return None
        if kind in _REFUSED:
            return None
        if kind == b"IDAT":
            pieces.append(view[place + 8 : end])
        elif kind in _KEPT and not pieces:
            parts.append((kind, data[place + 8 : end]))
        place = end + 4
    height, width = header.size if size is None else (min(pair) for pair in zip(size, header.size, strict=True))
    wanted = height * header.row_bytes
    try:
        pixels = isal_zlib.decompressobj().decompress(b"".join(pieces), wanted)
    except isal_zlib.error:  # type: ignore[misc]
        return None
    if len(pixels) != wanted:
        return None
    if header.bits >= 8 and width < header.size[1]:
        rows = np.frombuffer(pixels, np.uint8).reshape(height, header.row_bytes)
        pixels = rows[:, : 1 + width * _BANDS[header.color] * header.bits // 8].tobytes()
    else:
        width = header.size[1]
    ihdr = width.to_bytes(4, "big") + height.to_bytes(4, "big") + data[24:29]
    return _joined([(b"IHDR", ihdr), *parts], pixels)


def gray_png(data: bytes, header: PngHeader) -> bytes | None:
    """The file as one whose 8-bit values are grays, be they indexes of a palette; None if they are neither."""
    if header.bits != 8 or header.color not in (0, 3):
        return None
    parts: list[bytes] = [_SIGNATURE]
    place = 8
    while place + 12 <= len(data):
        end = place + 12 + int.from_bytes(data[place : place + 4], "big")
        kind = data[place + 4 : place + 8]
        if kind == b"IHDR":
            ihdr = kind + data[place + 8 : place + 17] + b"\0" + data[place + 18 : place + 21]
            parts.append(data[place : place + 4] + ihdr + zlib.crc32(ihdr).to_bytes(4, "big"))
        elif kind in (b"IDAT", b"IEND"):
            parts.append(data[place:end])
        place = end
    return b"".join(parts)


def _joined(parts: list[tuple[bytes, bytes]], pixels: bytes) -> NDArray[Any]:
    """A PNG of ``parts`` and of pixels in blocks that are stored as they are."""
    blocks, rest = divmod(len(pixels) - 1, _STORED)
    rest += 1  # the last block has 1 to 65535 bytes
    head = b"".join([_SIGNATURE, *(_part(kind, body) for kind, body in parts)])
    body = 2 + blocks * (5 + _STORED) + 5 + rest + 4
    out = np.empty(len(head) + 12 + body + 12, np.uint8)
    start = len(head) + 8
    out[: len(head)] = np.frombuffer(head, np.uint8)
    out[start - 8 : start + 2] = np.frombuffer(struct.pack(">I", body) + b"IDAT\x78\x01", np.uint8)
    full = out[start + 2 : start + 2 + blocks * (5 + _STORED)].reshape(blocks, 5 + _STORED)
    full[:, :5] = np.frombuffer(struct.pack("<BHH", 0, _STORED, 0), np.uint8)
    full[:, 5:] = np.frombuffer(pixels, np.uint8, blocks * _STORED).reshape(blocks, _STORED)
    last = start + body - 4 - rest
    out[last - 5 : last] = np.frombuffer(struct.pack("<BHH", 1, rest, rest ^ 0xFFFF), np.uint8)
    out[last : last + rest] = np.frombuffer(pixels, np.uint8, rest, blocks * _STORED)
    out[last + rest : last + rest + 4] = np.frombuffer(struct.pack(">I", isal_zlib.adler32(pixels)), np.uint8)
    checksum = struct.pack(">I", isal_zlib.crc32(out[start - 4 : start + body]))
    out[start + body :] = np.frombuffer(checksum + _part(b"IEND", b""), np.uint8)
    return out


def _part(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")
