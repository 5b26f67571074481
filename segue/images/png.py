"""PNG files: what the header says, signs of damage that a decoder would pass over, and decoding no more than asked.

Most of the time that a decoder spends on a PNG goes into undoing the compression. With the extra ``fast`` (isal, the
inflate of Intel's ISA-L) that part is done here, down to the last row that is wanted. The result is a PNG again, of
stored instead of compressed data, so OpenCV still does the rest and the pixels are the same to the bit.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.errors import DataError

try:
    from isal import isal_zlib
except ImportError:
    isal_zlib = None  # type: ignore[assignment]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_BANDS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
#: Parts that say how pixels are to be understood; all others are comments, or animate or turn the picture.
_KEPT = {b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"iCCP", b"bKGD", b"cICP", b"pHYs"}
_REFUSED = {b"acTL", b"eXIf"}
#: First row and column of the passes of an interlaced file, and from one of their rows and columns to the next.
_ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
_STORED = 65535  # most bytes of a stored block
_SUB = 1  # the filters 0 (none) and 1 (the pixel to the left) do without the row above


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
        return 1 + -(-self.size[1] * self.pixel_bits // 8)

    @property
    def pixel_bits(self) -> int:
        """Of one pixel."""
        return _BANDS[self.color] * self.bits

    @property
    def passes(self) -> list[tuple[int, int]]:
        """(H, W) of the pictures that are stored one after the other: up to seven of an interlaced file."""
        if not self.interlaced:
            return [self.size]
        height, width = self.size
        sizes = [(-(-(height - top) // down), -(-(width - left) // right)) for top, left, down, right in _ADAM7]
        return [(rows, columns) for rows, columns in sizes if rows > 0 and columns > 0]


def read_png_header(data: bytes) -> PngHeader | None:
    """The header of a PNG, None of any other file."""
    if data[:8] != _SIGNATURE or data[12:16] != b"IHDR" or len(data) < 33:
        return None
    width, height, bits, color, _, _, interlace = struct.unpack_from(">IIBBBBB", data, 16)
    if not width or not height or color not in _BANDS:
        return None
    return PngHeader((height, width), bits, color, interlace != 0)


def looks_cut_off(data: bytes) -> bool:
    """True where a JPEG or PNG lacks its end marker; such files are rare, so only they are decoded twice."""
    if data[:2] == b"\xff\xd8":
        return not data.rstrip(b"\0\n\r ").endswith(b"\xff\xd9")
    if data[:8] == _SIGNATURE:
        return b"IEND" not in data[-64:]
    return False


def check_png(data: bytes, path: str | Path) -> None:
    """Raise DataError if a part of a PNG does not match its checksum."""
    if data[:8] != _SIGNATURE:
        return
    for kind, place, end in _parts(data):
        if end + 4 <= len(data) and zlib.crc32(data[place - 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            name = kind.decode("latin-1")
            raise DataError(f"{path}: damaged PNG: the part {name} at byte {place - 8} does not match its checksum")


def _parts(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The parts of a PNG: kind, and where the content begins and ends; its checksum follows, if it is not cut off."""
    place = 8
    while place + 12 <= len(data):
        end = place + 8 + int.from_bytes(data[place : place + 4], "big")
        yield data[place + 4 : place + 8], place + 8, end
        place = end + 4


def check_rows(data: bytes, path: str | Path) -> None:
    """Raise DataError if a PNG has fewer pixels than its header says; Pillow would fill them up without a word."""
    header = read_png_header(data)
    if header is None:
        return
    pieces, place = [], 8
    while place + 12 <= len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        if data[place + 4 : place + 8] == b"IDAT":
            pieces.append(data[place + 8 : place + 8 + length])
        place += 12 + length
    wanted = sum(height * (1 + -(-width * header.pixel_bits // 8)) for height, width in header.passes)
    stream = zlib.decompressobj()
    try:
        found = len(stream.decompress(b"".join(pieces), wanted))
    except zlib.error:
        return  # for the decoder to say
    if found < wanted and place == len(data):
        raise DataError(f"{path}: damaged PNG: its pixels have {found} bytes, its header asks for {wanted}")


def is_turned(data: bytes) -> bool:
    """Whether a PNG has EXIF, which may say that it is to be turned."""
    place = 8
    while place + 12 <= len(data):
        if data[place + 4 : place + 8] == b"eXIf":
            return True
        place += 12 + int.from_bytes(data[place : place + 4], "big")
    return False


def can_inflate() -> bool:
    """Whether the extra is installed."""
    return isal_zlib is not None


def inflated_png(
    data: bytes,
    header: PngHeader,
    size: tuple[int, int] | None = None,
    top: int = 0,
    left: tuple[int, NDArray[Any]] | None = None,
) -> tuple[NDArray[Any], int] | None:
    """A part of the file as a PNG with its pixels not compressed.

    No pixel depends on one below it or to its right, so the upper left part of ``size`` is a picture too. Many rows do
    not depend on the one above either; the part begins with the last such row down to ``top``. All pixels depend on
    those to their left, but on no others than the next, so the part may begin with a column that is known.

    Args:
        data: the file.
        header: what `read_png_header` says about it.
        size: (H, W) of the upper left part that holds what is wanted; None for all.
        top: first row that is wanted.
        left: first column that is wanted, and its values (H,) uint8; of files of one 8-bit band only.

    Returns:
        The PNG as bytes (N,) uint8, and which row of the file its first is. None where the extra is not installed or
        the file is damaged, animated, interlaced or turned: decode it as it is.
    """
    if isal_zlib is None or header.interlaced:
        return None
    parts: list[tuple[bytes, bytes]] = []
    pieces: list[memoryview] = []
    view = memoryview(data)
    for kind, place, end in _parts(data):
        checksum = data[end : end + 4]
        if len(checksum) < 4 or isal_zlib.crc32(view[place - 4 : end]) != int.from_bytes(checksum, "big"):
            return None
        if kind in _REFUSED:
            return None
        if kind == b"IDAT":
            pieces.append(view[place:end])
        elif kind in _KEPT and not pieces:
            parts.append((kind, data[place:end]))
    height, width = header.size if size is None else (min(pair) for pair in zip(size, header.size, strict=True))
    wanted = height * header.row_bytes
    try:
        pixels = isal_zlib.decompressobj().decompress(b"".join(pieces), wanted)
    except isal_zlib.error:  # type: ignore[misc]
        return None
    if len(pixels) != wanted:
        return None
    rows = np.frombuffer(pixels, np.uint8).reshape(height, header.row_bytes)
    independent = np.flatnonzero(rows[: top + 1, 0] <= _SUB)
    first = int(independent[-1]) if len(independent) else 0
    if header.bits < 8:
        width = header.size[1]
    rows = rows[first:, : 1 + -(-width * _BANDS[header.color] * header.bits // 8)]
    if left is not None:
        rows, width = _begun(rows, left[0], left[1][first:height]), width - left[0]
    ihdr = width.to_bytes(4, "big") + len(rows).to_bytes(4, "big") + data[24:29]
    return _joined([(b"IHDR", ihdr), *parts], rows), first


def _begun(rows: NDArray[Any], column: int, known: NDArray[Any]) -> NDArray[Any]:
    """Filtered rows (H, 1 + W) of one band from a column on whose values are known (H,)."""
    above = np.append(np.uint8(0), known[:-1])  # of an independent row it does not count, and above row 0 there is 0
    nothing = np.zeros_like(above)
    # by filter: none, sub, up, average, Paeth, where there is nothing to the left
    predicted: NDArray[Any] = np.choose(rows[:, 0], [nothing, nothing, above, above // 2, above])
    return np.concatenate([rows[:, :1], (known - predicted)[:, None], rows[:, column + 2 :]], axis=1)


def gray_png(data: bytes, header: PngHeader) -> bytes | None:
    """The file as one whose 8-bit values are grays, be they indexes of a palette; None if they are neither."""
    if header.bits != 8 or header.color not in (0, 3):
        return None
    parts: list[bytes] = [_SIGNATURE]
    for kind, place, end in _parts(data):
        if kind == b"IHDR":
            parts.append(_part(kind, data[place : place + 9] + b"\0" + data[place + 10 : end]))
        elif kind in (b"IDAT", b"IEND"):
            parts.append(data[place - 8 : end + 4])
    return b"".join(parts)


def _joined(parts: list[tuple[bytes, bytes]], rows: NDArray[Any]) -> NDArray[Any]:
    """A PNG of ``parts`` and of filtered rows (H, N) uint8 in blocks that are stored as they are."""
    at_once = _STORED // rows.shape[1]  # rows of a block
    if at_once:
        blocks = [rows[row : row + at_once] for row in range(0, len(rows), at_once)]
    else:
        rows = rows.ravel()
        blocks = [rows[place : place + _STORED] for place in range(0, len(rows), _STORED)]
    head = b"".join([_SIGNATURE, *(_part(kind, body) for kind, body in parts)])
    body = 2 + rows.size + 5 * len(blocks) + 4
    out = np.empty(len(head) + 12 + body + 12, np.uint8)
    start = len(head) + 8
    out[:start] = np.frombuffer(head + struct.pack(">I", body) + b"IDAT", np.uint8)
    out[start : start + 2] = 0x78, 0x01
    place, checksum = start + 2, 1
    for number, block in enumerate(blocks, 1):
        about = struct.pack("<BHH", number == len(blocks), block.size, block.size ^ 0xFFFF)
        out[place : place + 5] = np.frombuffer(about, np.uint8)
        place += 5 + block.size
        stored = out[place - block.size : place]
        stored.reshape(block.shape)[:] = block
        checksum = isal_zlib.adler32(stored, checksum)
    out[place : place + 4] = np.frombuffer(struct.pack(">I", checksum), np.uint8)
    ending = struct.pack(">I", isal_zlib.crc32(out[start - 4 : start + body])) + _part(b"IEND", b"")
    out[start + body :] = np.frombuffer(ending, np.uint8)
    return out


def _part(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")
