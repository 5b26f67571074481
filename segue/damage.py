"""Signs of damage in encoded pictures that a decoder would pass over."""

from __future__ import annotations

import zlib
from pathlib import Path

from segue.errors import DataError


def looks_cut_off(data: bytes) -> bool:
    """True where a JPEG or PNG lacks its end marker; such files are rare, so only they are decoded twice."""
    if data[:2] == b"\xff\xd8":
        return not data.rstrip(b"\0\n\r ").endswith(b"\xff\xd9")
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return b"IEND" not in data[-64:]
    return False


def check_png(data: bytes, path: str | Path) -> None:
    """Raise DataError if a part of a PNG does not match its checksum."""
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        return
    place = 8
    while place + 12 <= len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        end = place + 8 + length
        if end + 4 <= len(data) and zlib.crc32(data[place + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            kind = data[place + 4 : place + 8].decode("latin-1")
            raise DataError(f"{path}: damaged PNG: the part {kind} at byte {place} does not match its checksum")
        place = end + 4
