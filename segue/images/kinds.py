"""Which kind of file bytes are, and kinds that decoders would read wrongly without a word, which are refused.

A decoder that takes more kinds than are tested is no help: Radiance pictures become 8 bits, portable maps of 0 to 99
are stretched by one library and not by the other. So only kinds that `docs/formats.md` lists go on to a decoder.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path

from segue.errors import DataError
from segue.images.jpeg2000 import is_jpeg2000
from segue.images.tiff import is_tiff
from segue.images.volumes import NIFTI_SUFFIXES

KINDS = "PNG, JPEG, TIFF, BMP, GIF, WebP, JPEG 2000, PBM, PGM, PPM or npy"
_HEADS = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\x93NUMPY", "npy"),
    (b"BM", "bmp"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
)
_PNM = re.compile(
    rb"P([1-6])(?:\s*#[^\n]*\n)*\s+(?:#[^\n]*\n\s*)*(\d+)\s+(?:#[^\n]*\n\s*)*(\d+)\s+(?:#[^\n]*\n\s*)*(\d+)?"
)
_DEPTHS = (255, 65535)  # highest values of a PGM or PPM that fill 8 or 16 bits


def kind_of(data: bytes) -> str:
    """``jpeg``, ``png``, ``tiff``, ``bmp``, ``gif``, ``webp``, ``jpeg2000``, ``pnm``, ``npy``; empty: none of these."""
    for head, kind in _HEADS:
        if data.startswith(head):
            return kind
    if is_tiff(data):
        return "tiff"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if is_jpeg2000(data):
        return "jpeg2000"
    return "pnm" if re.match(rb"P[1-6][\s#]", data[:3]) else ""


def check_kind(data: bytes, path: str | Path) -> str:
    """`kind_of` of a file that is to be decoded; ``path`` is used in messages only.

    Raises:
        DataError: no picture, or one that no decoder reads as its standard says.
    """
    kind = kind_of(data)
    if kind == "gif":
        _check_gif(data, path)
    elif kind == "pnm":
        _check_pnm(data, path)
    elif not kind:
        if str(path).lower().endswith(NIFTI_SUFFIXES):
            raise DataError(f"{path}: a NIfTI volume; read it with LoadBiomedicalImageFromFile")
        raise DataError(
            f"{path}: not an image of a kind that Segue reads, which are {KINDS} (it starts with {data[:8]!r})"
        )
    return kind


def _check_gif(data: bytes, path: str | Path) -> None:
    """Refuse a first picture that does not fill the screen: what is around it has no value."""
    try:
        width, height, flags = struct.unpack_from("<HHB", data, 6)
        place = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
        while data[place] == 0x21:  # extensions
            place += 2
            while data[place]:
                place += 1 + data[place]
            place += 1
        placed = struct.unpack_from("<HHHH", data, place + 1)
    except (struct.error, IndexError):
        raise DataError(f"{path}: damaged or incomplete image ({len(data)} bytes): a GIF without a picture") from None
    if placed != (0, 0, width, height):
        raise DataError(
            f"{path}: a GIF whose picture of {placed[2]} x {placed[3]} pixels does not fill its {width} x {height}: "
            "what is around it has no value; save it as PNG"
        )


def _check_pnm(data: bytes, path: str | Path) -> None:
    """Refuse highest values that do not fill the depth: some decoders stretch such values, some do not."""
    header = _PNM.match(data[:4096])
    if header is None:
        raise DataError(f"{path}: damaged or incomplete image ({len(data)} bytes): a portable map without a header")
    if header[1] in (b"1", b"4"):
        return
    highest = int(header[4] or 0)
    if highest not in _DEPTHS:
        raise DataError(
            f"{path}: a portable map of values up to {highest}: read are those up to 255 and 65535; save it as PNG"
        )
