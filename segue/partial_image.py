"""Images of which only a window is wanted: the size first, then no more pixels than needed.

A window is ``(rows, columns)``, two slices. Whatever the file, `open_image` gives the same pixels as
`segue.images.read_image`; some files are only decoded down to the last row of the window.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np

from segue.damage import looks_cut_off
from segue.decoders import decode_part, large_indexes, upright_header
from segue.errors import DataError
from segue.images import Array, decode_image, decode_mask, read_bytes, read_mask
from segue.jpeg import JpegHeader
from segue.labels import values_in
from segue.masks.path import MaskPath
from segue.png import PngHeader
from segue.types import Size

Window: TypeAlias = tuple[slice, slice]


_LARGE = 1 << 18  # pixels
_MOST = 50_000  # label maps remembered: 10 MB
_MOST_BYTES = 1 << 24  # of their columns
_EVERY = 128  # columns
EVERYTHING: Window = (slice(None), slice(None))


class PartialImage(Protocol):
    """An image or a label map whose size is known before its pixels are read."""

    @property
    def size(self) -> Size:
        """(H, W)."""
        ...

    def read(self, window: Window) -> Array:
        """The pixels of a window, (h, w) or (h, w, C)."""
        ...


class WholeImage:
    """Pixels that are all there; of a label map perhaps with the ``values`` that it has."""

    def __init__(self, pixels: Array, values: Array | None = None) -> None:
        self.pixels = pixels
        self.values = values

    @property
    def size(self) -> Size:
        """(H, W)."""
        return self.pixels.shape[0], self.pixels.shape[1]

    def read(self, window: Window) -> Array:
        """A view."""
        return self.pixels[window]


class AsFloat:
    """Another image in float32."""

    def __init__(self, image: PartialImage) -> None:
        self.image = image

    @property
    def size(self) -> Size:
        """(H, W)."""
        return self.image.size

    def read(self, window: Window) -> Array:
        """The same values."""
        return self.image.read(window).astype(np.float32)


class EncodedImage:
    """A JPEG or PNG, decoded no further down than the window."""

    def __init__(self, data: bytes, header: JpegHeader | PngHeader, color_type: str, path: str | Path) -> None:
        self.data = data
        self.header = header
        self.color_type = color_type
        self.path = path

    @property
    def size(self) -> Size:
        """(H, W), from the header."""
        return self.header.size

    def read(self, window: Window) -> Array:
        """Decode, and cut the window out, which names its rows and columns."""
        rows, columns = window
        part = decode_part(self.data, self.header, self.color_type, (rows.stop, columns.stop), rows.start)
        if part is None:
            pixels = decode_image(self.data, self.color_type, path=self.path)
            if pixels.shape[:2] != self.size:
                raise DataError(f"{self.path}: its header says {self.size}, its pixels are {pixels.shape[:2]}")
            return pixels[window]
        pixels, first = part
        return pixels[rows.start - first : rows.stop - first, columns]


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
        """The values as `segue.images.read_mask` gives them."""
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


def open_image(path: str | Path, color_type: str = "color", backend: str = "cv2") -> PartialImage:
    """An image file; see `segue.images.read_image` for the arguments and errors.

    Files that have to be decoded to know their size, or to know that they are whole, are decoded here.
    """
    data = read_bytes(path)
    header = None if backend != "cv2" else upright_header(data, color_type)
    if header is None or looks_cut_off(data):
        return WholeImage(decode_image(data, color_type, backend, path))
    return EncodedImage(data, header, color_type, path)
