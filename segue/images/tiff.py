"""What the header of a TIFF says, read without decoding, to choose a decoder and to name files that are cut off.

OpenCV reads gray and RGB(A) files. Of several bands that are not colours it keeps one without a word, and of more than
four none, so such files go to `segue.images.rasters`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from segue.errors import DataError

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_INTEGERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q"}
_WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _OFFSETS, _BANDS, _COUNTS = 256, 257, 258, 262, 273, 277, 279
_TILE_WIDTH, _TILE_OFFSETS, _TILE_COUNTS, _FORMAT = 322, 324, 325, 339
_WANTED = {_WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _OFFSETS, _BANDS, _COUNTS, _TILE_WIDTH, _TILE_OFFSETS, _TILE_COUNTS}
_GRAY, _RGB = (0, 1), 2


@dataclass(frozen=True)
class TiffHeader:
    """The first picture of a TIFF.

    Attributes:
        size: (H, W).
        bands: per pixel.
        bits: per value.
        is_float: values are floating point.
        photometric: how the bands are meant: 0 and 1 gray, 2 RGB, 3 palette ...
        tiled: stored in tiles.
    """

    size: tuple[int, int]
    bands: int
    bits: int
    is_float: bool
    photometric: int
    tiled: bool

    @property
    def plain(self) -> bool:
        """Whether it is gray, RGB(A) or a palette, which every decoder takes for the same."""
        if self.photometric in _GRAY:
            return self.bands == 1
        return self.bands in (3, 4) if self.photometric == _RGB else self.bands <= 4


def is_tiff(data: bytes) -> bool:
    """Whether bytes begin like a TIFF, of either byte order, classic or large."""
    return data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def read_header(data: bytes, path: str | Path, complete: bool = True) -> TiffHeader:
    """The header of the first picture.

    Args:
        data: the file, or, with ``complete=False``, as much of it as there is.
        path: for messages.
        complete: check that all the pixels that the header speaks of are there.

    Raises:
        DataError: the file is cut off or damaged.
    """
    try:
        tags = _tags(data)
    except (struct.error, KeyError, ValueError) as error:
        raise DataError(
            f"{path}: damaged or incomplete TIFF ({len(data)} bytes): its directory is not in it"
        ) from error
    if _WIDTH not in tags or _HEIGHT not in tags:
        raise DataError(f"{path}: damaged TIFF: its directory names no size")
    tiled = _TILE_OFFSETS in tags
    starts, lengths = (
        tags.get(_TILE_OFFSETS if tiled else _OFFSETS, ()),
        tags.get(_TILE_COUNTS if tiled else _COUNTS, ()),
    )
    end = max((start + length for start, length in zip(starts, lengths, strict=False)), default=0)
    if complete and end > len(data):
        raise DataError(
            f"{path}: damaged or incomplete TIFF: its pixels reach to byte {end}, the file has {len(data)}; copy or "
            "download it again"
        )
    return TiffHeader(
        size=(tags[_HEIGHT][0], tags[_WIDTH][0]),
        bands=tags.get(_BANDS, (1,))[0],
        bits=tags.get(_BITS, (1,))[0],
        is_float=tags.get(_FORMAT, (1,))[0] == 3,
        photometric=tags.get(_PHOTOMETRIC, (1,))[0],
        tiled=tiled,
    )


def _tags(data: bytes) -> dict[int, tuple[int, ...]]:
    order = "<" if data[:2] == b"II" else ">"
    large = data[2:4] in (b"+\0", b"\0+")
    word, pointer = ("Q", 8) if large else ("I", 4)
    (place,) = struct.unpack_from(order + word, data, 8 if large else 4)
    (entries,) = struct.unpack_from(order + ("Q" if large else "H"), data, place)
    place += 8 if large else 2
    if entries > 4096:
        raise ValueError(f"{entries} entries")
    tags = {}
    for index in range(entries):
        at = place + index * (4 + 2 * pointer)
        tag, kind, count = struct.unpack_from(order + "HH" + word, data, at)
        if tag not in _WANTED | {_FORMAT} or kind not in _INTEGERS or count == 0:
            continue
        at += 4 + pointer
        if count * _SIZES[kind] > pointer:
            (at,) = struct.unpack_from(order + word, data, at)
        tags[tag] = struct.unpack_from(f"{order}{count}{_INTEGERS[kind]}", data, at)
    return tags
