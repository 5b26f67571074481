"""JPEG 2000 files: what the header says of their depth (ISO/IEC 15444-1, annexes A and I)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from segue.errors import DataError

_BOXES = b"\0\0\0\x0cjP  \r\n\x87\n"
_CODESTREAM = b"\xff\x4f\xff\x51"
_PLAIN = (8, 16)
_COLORS = (1, 3, 4)


@dataclass(frozen=True)
class Jpeg2000Header:
    """The segment SIZ.

    Attributes:
        size: (H, W).
        bands: number of components.
        bits: per sample of the first.
        signed: samples may be negative.
        even: all components are alike and of full size, and there is no palette.
    """

    size: tuple[int, int]
    bands: int
    bits: int
    signed: bool
    even: bool

    @property
    def plain(self) -> bool:
        """Whether every decoder gives its samples as they are."""
        return self.even and not self.signed and self.bits in _PLAIN and self.bands in _COLORS


def is_jpeg2000(data: bytes) -> bool:
    """Whether bytes begin like a JP2 file or like a bare codestream."""
    return data[:12] == _BOXES or data[:4] == _CODESTREAM


def read_jpeg2000_header(data: bytes, path: str | Path) -> Jpeg2000Header:
    """The header of a file that `is_jpeg2000`; ``path`` is for messages."""
    try:
        at, palette = (0, False) if data[:4] == _CODESTREAM else _codestream(data)
        width, height, left, top = struct.unpack_from(">IIII", data, at + 8)
        (bands,) = struct.unpack_from(">H", data, at + 40)
        parts = {data[at + 42 + 3 * index : at + 45 + 3 * index] for index in range(bands)}
        depth = data[at + 42]
    except (struct.error, IndexError, ValueError) as error:
        raise DataError(f"{path}: damaged or incomplete JPEG 2000 file ({len(data)} bytes): no header") from error
    even = len(parts) == 1 and next(iter(parts))[1:] == b"\1\1" and not palette
    return Jpeg2000Header((height - top, width - left), bands, (depth & 127) + 1, depth > 127, even)


def _codestream(data: bytes) -> tuple[int, bool]:
    """Where the codestream of a JP2 file begins, and whether there is a palette."""
    place, palette = 0, False
    while place + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        head = 16 if length == 1 else 8
        length = struct.unpack_from(">Q", data, place + 8)[0] if length == 1 else length or len(data) - place
        if kind == b"jp2c":
            return place + head, palette
        if kind == b"jp2h":
            palette = b"pclr" in data[place : place + length]
        if length < head:
            break
        place += length
    raise ValueError("no codestream")
