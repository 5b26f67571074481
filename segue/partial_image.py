"""Images of which only a window is wanted: the size first, then no more pixels than needed.

A window is ``(rows, columns)``, two slices. Whatever the file, `open_image` gives the same pixels as
`segue.images.read_image`; some files are only decoded down to the last row of the window.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np

from segue.damage import looks_cut_off
from segue.decoders import decode_part, large_indexes, upright_header
from segue.errors import DataError
from segue.images import Array, decode_image, decode_mask, read_bytes, read_mask
from segue.jpeg import JpegHeader
from segue.masks.path import MaskPath
from segue.png import PngHeader
from segue.types import Size

Window: TypeAlias = tuple[slice, slice]


_LARGE = 1 << 18  # pixels
_MOST = 50_000  # label maps remembered: 10 MB
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
    """Pixels that are all there."""

    def __init__(self, pixels: Array) -> None:
        self.pixels = pixels

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
        return _below(*part, window)


class EncodedLabels:
    """A large label map whose values are known, from when it was decoded before: `LabelReader` makes them."""

    def __init__(self, data: bytes, header: PngHeader, values: Array, path: str | Path) -> None:
        self.data = data
        self.size = header.size
        self.values = values
        self._header = header
        self._path = path
        self._part: Array = np.empty((0, 0), np.uint8)
        self._first = self.size[0]

    def read(self, window: Window) -> Array:
        """Decode the window, unless an earlier one showed as much; then what both show."""
        rows, columns = window
        end, width = self._first + self._part.shape[0], self._part.shape[1]
        if rows.start < self._first or rows.stop > end or columns.stop > width:
            size = max(rows.stop, end if width else 0), max(columns.stop, width)
            part = decode_part(self.data, self._header, "unchanged", size, min(rows.start, self._first))
            self._part, self._first = (read_mask(self._path), 0) if part is None else part
        return _below(self._part, self._first, window)


def _below(pixels: Array, first: int, window: Window) -> Array:
    """A window of a picture of which the rows from ``first`` are given."""
    return pixels[window[0].start - first : window[0].stop - first, window[1]]


class LabelReader:
    """Opens label files, and remembers which values each has, by what it holds.

    So a file is decoded as a whole and all its values can be checked the first time; later only the part that is asked
    for is decoded. This pays for PNGs of a quarter million pixels and more.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, bytes] = {}

    def open(self, path: str | Path) -> PartialImage:
        """The values as `segue.images.read_mask` gives them."""
        if isinstance(path, MaskPath):
            return WholeImage(read_mask(path))
        data = read_bytes(path)
        gray = large_indexes(data, _LARGE)
        if gray is None:
            return WholeImage(decode_mask(data, path))
        content = hashlib.blake2b(data, digest_size=16).digest()
        known = self._known.get(content)
        if known is not None:
            return EncodedLabels(*gray, np.frombuffer(known, np.uint8), path)
        mask = decode_mask(data, path)
        if len(self._known) < _MOST:
            self._known[content] = np.flatnonzero(np.bincount(mask.ravel(), minlength=256)).astype(np.uint8).tobytes()
        return WholeImage(mask)


def open_image(path: str | Path, color_type: str = "color", backend: str = "cv2") -> PartialImage:
    """An image file; see `segue.images.read_image` for the arguments and errors.

    Files that have to be decoded to know their size, or to know that they are whole, are decoded here.
    """
    data = read_bytes(path)
    header = None if backend != "cv2" else upright_header(data, color_type)
    if header is None or looks_cut_off(data):
        return WholeImage(decode_image(data, color_type, backend, path))
    return EncodedImage(data, header, color_type, path)
