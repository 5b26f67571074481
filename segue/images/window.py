"""Images of which only a window is wanted: the size first, then no more pixels than needed.

A window is ``(rows, columns)``, two slices. Whatever the file, `open_image` gives the same pixels as
`segue.images.read.read_image`; some files are only decoded down to the last row of the window.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np

from segue.errors import DataError
from segue.images.decoders import decode_part, upright_header
from segue.images.jpeg import JpegHeader
from segue.images.limits import check_pixels
from segue.images.png import PngHeader, looks_cut_off
from segue.images.read import Array, decode_image, read_bytes
from segue.types import Size

Window: TypeAlias = tuple[slice, slice]


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


def open_image(path: str | Path, color_type: str = "color", backend: str = "cv2") -> PartialImage:
    """An image file; see `segue.images.read.read_image` for the arguments and errors.

    Files that have to be decoded to know their size, or to know that they are whole, are decoded here.
    """
    data = read_bytes(path)
    check_pixels(data, path)
    header = None if backend != "cv2" else upright_header(data, color_type)
    if header is None or looks_cut_off(data):
        return WholeImage(decode_image(data, color_type, backend, path))
    return EncodedImage(data, header, color_type, path)
