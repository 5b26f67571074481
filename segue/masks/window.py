"""Label maps of which only a window is wanted: decoded whole the first time, and by the window from then on."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from segue.images.decoders import decode_part, large_indexes
from segue.images.png import PngHeader
from segue.images.read import Array, read_bytes
from segue.images.window import PartialImage, WholeImage, Window
from segue.masks.decode import decode_mask, read_mask
from segue.masks.labels import values_in
from segue.masks.path import MaskPath
from segue.types import Size

_LARGE = 1 << 18  # pixels
_MOST = 50_000  # label maps remembered: 10 MB
_MOST_BYTES = 1 << 24  # of their columns
_EVERY = 128  # columns


@dataclass(frozen=True)
class SeenLabels:
    """What is remembered of a label map, so that a window of it can be decoded by itself.

    Attributes:
        values: its values, ascending, one byte each.
        columns: every `_EVERY`-th column of it (K, H), compressed; None where too much is remembered already.
    """

    values: bytes
    columns: bytes | None

    def column(self, before: int, height: int) -> tuple[int, Array] | None:
        """The last one remembered at or before a column, and its values (H,); None if there is none."""
        number = before // _EVERY
        if number == 0 or self.columns is None:
            return None
        columns = zlib.decompressobj().decompress(self.columns, number * height)
        return number * _EVERY, np.frombuffer(columns, np.uint8)[-height:]


class EncodedLabels:
    """A large label map that was decoded before: `LabelReader` makes them."""

    def __init__(self, data: bytes, header: PngHeader, seen: SeenLabels, path: str | Path) -> None:
        self.data = data
        self.size = header.size
        self.values = np.frombuffer(seen.values, np.uint8)
        self._header = header
        self._seen = seen
        self._path = path
        self._part: Array = np.empty((0, 0), np.uint8)
        self._corner = self.size  # of the part, in the label map

    def read(self, window: Window) -> Array:
        """Decode the window, unless an earlier one showed as much; then what both show."""
        (first, column), (height, width) = self._corner, self._part.shape
        rows, columns = window
        if rows.start < first or columns.start < column or rows.stop > first + height or columns.stop > column + width:
            old = (first + height, column + width) if self._part.size else (0, 0)
            size = max(rows.stop, old[0]), max(columns.stop, old[1])
            self._decode(min(rows.start, first), min(columns.start, column), size)
            first, column = self._corner
        return self._part[rows.start - first : rows.stop - first, columns.start - column : columns.stop - column]

    def _decode(self, top: int, left: int, size: Size) -> None:
        known = self._seen.column(left, self.size[0])
        part = decode_part(self.data, self._header, "unchanged", size, top, known)
        if part is None:
            self._part, self._corner = read_mask(self._path), (0, 0)
        else:
            self._part, self._corner = part[0], (part[1], 0 if known is None else known[0])


class LabelReader:
    """Opens label files, and remembers which values each has and a few of its columns, by what it holds.

    So a file is decoded as a whole and all its values can be checked the first time; later only the part that is asked
    for is decoded. This pays for PNGs of a quarter million pixels and more.
    """

    def __init__(self) -> None:
        self._seen: dict[bytes, SeenLabels] = {}
        self._bytes = 0  # of columns

    def open(self, path: str | Path) -> PartialImage:
        """The values as `segue.masks.decode.read_mask` gives them."""
        if isinstance(path, MaskPath):
            return WholeImage(read_mask(path))
        data = read_bytes(path)
        gray = large_indexes(data, _LARGE)
        if gray is None:
            return WholeImage(decode_mask(data, path))
        content = hashlib.blake2b(data, digest_size=16).digest()
        seen = self._seen.get(content)
        if seen is not None:
            return EncodedLabels(*gray, seen, path)
        mask = decode_mask(data, path)
        values = values_in(mask)
        if len(self._seen) < _MOST:
            room = self._bytes < _MOST_BYTES
            columns = zlib.compress(mask[:, _EVERY::_EVERY].T.tobytes(), 1) if room else None
            self._seen[content] = SeenLabels(values.tobytes(), columns)
            self._bytes += len(columns or b"")
        return WholeImage(mask, values)
