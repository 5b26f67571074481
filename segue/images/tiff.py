"""What the header of a TIFF says, read without decoding, to choose a decoder and to name files that are cut off.

OpenCV and Pillow read common files. Of several bands that are not colours they keep one without a word, they stretch
or turn values, and leave blocks that are missing as they find the memory, so other files go to `segue.images.stored`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from segue.errors import DataError

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_INTEGERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q"}
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _OFFSETS, _ORIENTATION = 256, 257, 258, 259, 262, 273, 274
_BANDS, _ROWS, _COUNTS, _PLANAR, _COLORS, _TILE_OFFSETS, _TILE_COUNTS, _EXTRA, _FORMAT = (
    277,
    278,
    279,
    284,
    320,
    324,
    325,
    338,
    339,
)
_WANTED = {_WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _OFFSETS, _ORIENTATION, _BANDS, _ROWS, _COUNTS, _PLANAR, _COLORS, 254}
_WANTED |= {_COMPRESSION, _TILE_OFFSETS, _TILE_COUNTS, _EXTRA, _FORMAT}
_NONE, _CCITT, _JPEG, _CODED = 1, (2, 3, 4), 7, (5, 8, 32773, 32946)  # the last: LZW, deflate, PackBits
_TILE_WIDTH, _TILE_HEIGHT, _SUBFILE, _NODATA = 322, 323, 254, 42113
_ASCII = 2
_TEXT = 64  # most characters of a number
_PAGES = 64  # directories that are looked at
_WANTED = {_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _OFFSETS, _ORIENTATION, _BANDS, _ROWS, _COUNTS, _PLANAR}
_WANTED |= {_COLORS, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_COUNTS, _EXTRA, _FORMAT, _SUBFILE}
WHITE, BLACK, RGB, PALETTE, CMYK, YCBCR = 0, 1, 2, 3, 5, 6
_FORMATS = {1: "integers", 2: "signed integers", 3: "floats", 4: "integers"}


@dataclass(frozen=True)
class TiffHeader:
    """The first picture of a TIFF.

    Attributes:
        size: (H, W) as stored.
        bands: per pixel.
        bits: per value.
        sample_format: 1 unsigned, 2 signed, 3 floating point, others rare.
        photometric: how the bands are meant: 0 gray from white to black, 1 gray, 2 RGB, 3 palette, 5 CMYK, 6 YCbCr ...
        tiled: stored in tiles.
        orientation: 1 to 8 as in EXIF.
        planes: bands are stored one after the other.
        alpha: the fourth band is transparency that the colours have not been multiplied with.
        colors: the table of a palette, all reds, then greens, then blues.
        missing: blocks of pixels are not in the file.
        nodata: value of pixels without data, as GDAL notes it.
        more: another picture of the same rank follows.
        common: it is compressed in a way that every decoder knows, or not at all.
        coded: it is compressed without loss by bytes, so that damage within shows when it is decoded with care.
    """

    size: tuple[int, int]
    bands: int
    bits: int
    sample_format: int
    photometric: int
    tiled: bool
    orientation: int = 1
    planes: bool = False
    alpha: bool = False
    colors: tuple[int, ...] = ()
    missing: bool = False
    nodata: float | None = None
    more: bool = False
    common: bool = True
    coded: bool = False

    @property
    def is_float(self) -> bool:
        """Whether values are floating point."""
        return self.sample_format == 3

    @property
    def unsigned(self) -> bool:
        """Whether values are integers from 0 on."""
        return self.sample_format in (1, 4)

    @property
    def content(self) -> str:
        """For messages: ``3 bands of 16-bit integers``."""
        bands = f"{self.bands} band{'s' * (self.bands != 1)}"
        return f"{bands} of {self.bits}-bit {_FORMATS.get(self.sample_format, 'values of another kind')}"

    @property
    def plain(self) -> bool:
        """Whether it is gray, RGB(A), CMYK or a palette, which every decoder takes for the same."""
        bands = {WHITE: (1,), BLACK: (1,), PALETTE: (1,), RGB: (3, 4), CMYK: (4,), YCBCR: (3,)}
        eight = self.photometric not in (PALETTE, CMYK, YCBCR) or self.bits <= 8
        return self.bands in bands.get(self.photometric, ()) and eight


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
        tags, nodata, following = _tags(data)
    except (struct.error, KeyError, ValueError) as error:
        raise DataError(
            f"{path}: damaged or incomplete TIFF ({len(data)} bytes): its directory is not in it"
        ) from error
    if not tags.get(_WIDTH, (0,))[0] or not tags.get(_HEIGHT, (0,))[0]:
        raise DataError(f"{path}: damaged TIFF: its directory names no size")
    tiled = _TILE_OFFSETS in tags
    starts = tags.get(_TILE_OFFSETS if tiled else _OFFSETS, ())
    lengths = tags.get(_TILE_COUNTS if tiled else _COUNTS, ())
    end = max((start + length for start, length in zip(starts, lengths, strict=False)), default=0)
    if complete and end > len(data):
        raise DataError(
            f"{path}: damaged or incomplete TIFF: its pixels reach to byte {end}, the file has {len(data)}; copy or "
            "download it again"
        )
    depths, formats = set(tags.get(_BITS, (1,))), set(tags.get(_FORMAT, (1,)))
    if len(depths) > 1 or len(formats) > 1:
        raise DataError(
            f"{path}: a TIFF of bands of different kinds (bits {sorted(depths)}, formats {sorted(formats)})"
        )
    size = tags[_HEIGHT][0], tags[_WIDTH][0]
    compression = tags.get(_COMPRESSION, (_NONE,))[0]
    if complete and compression == _NONE and lengths and 0 not in starts:
        _check_lengths(tags, lengths, path)
    orientation = tags.get(_ORIENTATION, (1,))[0]
    return TiffHeader(
        size=size,
        bands=tags.get(_BANDS, (1,))[0],
        bits=depths.pop(),
        sample_format=formats.pop(),
        photometric=tags.get(_PHOTOMETRIC, (BLACK,))[0],
        tiled=tiled,
        orientation=orientation if 1 <= orientation <= 8 else 1,
        planes=tags.get(_PLANAR, (1,))[0] == 2,
        alpha=tags.get(_EXTRA, (0,))[0] == 2,
        colors=tags.get(_COLORS, ()),
        missing=not starts or 0 in starts,
        nodata=nodata,
        common=compression in (_NONE, *_CCITT, _JPEG, *_CODED),
        coded=compression in _CODED,
        more=complete and _more(data, following, size),
    )


def _check_lengths(tags: dict[int, tuple[int, ...]], lengths: tuple[int, ...], path: str | Path) -> None:
    """Raise DataError if blocks of a file that is not compressed are fewer or shorter than its size asks for."""
    (height,), (width,) = tags[_HEIGHT][:1], tags[_WIDTH][:1]
    tiled = _TILE_OFFSETS in tags
    rows = tags.get(_TILE_HEIGHT if tiled else _ROWS, (height,))[0] or height
    columns = tags.get(_TILE_WIDTH, (width,))[0] or width if tiled else width
    bands = tags.get(_BANDS, (1,))[0]
    planes = bands if tags.get(_PLANAR, (1,))[0] == 2 else 1
    row = -(-columns * (bands // planes) * tags.get(_BITS, (1,))[0] // 8)
    down, across = -(-height // rows), -(-width // columns)
    last = rows if tiled else height - rows * (down - 1)  # of the lowest strip
    wanted = [(last if index // across % down == down - 1 else rows) * row for index in range(len(lengths))]
    short = [index for index, pair in enumerate(zip(lengths, wanted, strict=True)) if pair[0] < pair[1]]
    if len(lengths) < down * across * planes or short:
        where = (
            f"block {short[0]} has {lengths[short[0]]} bytes of {wanted[short[0]]}" if short else "blocks are missing"
        )
        raise DataError(f"{path}: damaged or incomplete TIFF: {where}; copy or download it again")


def _more(data: bytes, place: int, size: tuple[int, int]) -> bool:
    """Whether a further directory holds a picture of ``size`` that is no preview and no mask."""
    for _ in range(_PAGES):
        if not place:
            return False
        try:
            tags, _, place = _tags(data, place)
        except (struct.error, KeyError, ValueError):
            return False
        if (tags.get(_HEIGHT, (0,))[0], tags.get(_WIDTH, (0,))[0]) == size and not tags.get(_SUBFILE, (0,))[0] & 5:
            return True
    return False


def _tags(data: bytes, place: int = 0) -> tuple[dict[int, tuple[int, ...]], float | None, int]:
    """Numbers of the directory at ``place`` (0: the first), its nodata, and where the next directory is."""
    order = "<" if data[:2] == b"II" else ">"
    large = data[2:4] in (b"+\0", b"\0+")
    word, pointer = ("Q", 8) if large else ("I", 4)
    if not place:
        (place,) = struct.unpack_from(order + word, data, 8 if large else 4)
    (entries,) = struct.unpack_from(order + ("Q" if large else "H"), data, place)
    place += 8 if large else 2
    if entries > 4096:
        raise ValueError(f"{entries} entries")
    tags, nodata = {}, None
    for index in range(entries):
        at = place + index * (4 + 2 * pointer)
        tag, kind, count = struct.unpack_from(order + "HH" + word, data, at)
        text = tag == _NODATA and kind == _ASCII
        if (tag not in _WANTED or kind not in _INTEGERS or count == 0) and not text:
            continue
        at += 4 + pointer
        if count * _SIZES[kind] > pointer:
            (at,) = struct.unpack_from(order + word, data, at)
        if text:
            nodata = _number(bytes(data[at : at + min(count, _TEXT)]))
        else:
            tags[tag] = struct.unpack_from(f"{order}{count}{_INTEGERS[kind]}", data, at)
    after = place + entries * (4 + 2 * pointer)
    return tags, nodata, struct.unpack_from(order + word, data, after)[0] if after + pointer <= len(data) else 0


def _number(text: bytes) -> float | None:
    try:
        return float(text.split(b"\0")[0])
    except ValueError:
        return None
