"""One file: its bytes, and what its standard says about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Mode = Literal["gray", "white", "palette", "rgb", "cmyk", "bands"]
HEIGHT, WIDTH = 18, 21  # no multiples of 8, so that rows end within a byte and tiles within the picture


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A file and the samples that it stores.

    Attributes:
        name: of the kind, ``tiff gray 16 lzw``.
        suffix: of the file.
        data: the file.
        samples: (H, W, C) as stored, in the order of the file, in the type of the file; below 8 bits uint8.
        mode: ``white`` is gray whose 0 is white; ``bands`` are no colours.
        bits: per sample.
        alpha: whether the last band is transparency.
        palette: (N, 3) uint8 RGB of a palette.
        orientation: EXIF's, 1 to 8.
        near: how far colours may be off, of formats that store no RGB.
        nodata: what the file says to be no data.
        damaged: parts are missing: every reader refuses it.
        foreign: another kind of file than Segue reads: every reader refuses it.
        pages: pictures in the file, of which the first counts; a mask is refused.
        clear: (H, W) transparency that is no band of its own, as a palette's.
        labels: (H, W) that a mask gives where the general rule does not say it.
    """

    name: str
    suffix: str
    data: bytes
    samples: Array
    mode: Mode = "gray"
    bits: int = 8
    alpha: bool = False
    palette: Array | None = None
    orientation: int = 1
    near: int = 0
    nodata: float | None = None
    damaged: bool = False
    foreign: bool = False
    pages: int = 1
    clear: Array | None = None
    labels: Array | None = None


def drawn(bits: int = 8, bands: int = 1, kind: str = "u", top: int | None = None) -> Array:
    """(H, W, bands) with flat areas and noise, of all values up to ``top``; the lowest and the highest are in it.

    Args:
        bits: per value.
        bands: number of them.
        kind: ``u`` unsigned, ``i`` signed (with negative values), ``f`` floats with fractions, ``w`` whole floats.
        top: highest value; None: the highest that there is.
    """
    rng = np.random.default_rng(bits * 100 + bands * 10 + ord(kind))
    if kind in "fw":
        values = rng.integers(0, 9, (HEIGHT, WIDTH, bands)).astype(f"f{bits // 8}")
        return values + values.dtype.type(0.25) if kind == "f" else values
    size = next(size for size in (8, 16, 32, 64) if size >= bits)
    low, high = (0, (1 << bits) - 1) if kind == "u" else (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
    high = high if top is None else top
    values = rng.integers(
        max(low, -9) if top is not None else low, high, (HEIGHT, WIDTH, bands), np.dtype(f"{kind}{size // 8}"), True
    )
    values[:8, :8] = values[0, 0]
    values[-1, -1], values[-1, -2] = high, (low if top is None else 0)
    return values


def packed(samples: Array, bits: int, lsb_first: bool = False, order: str = ">") -> bytes:
    """Rows (H, N) of samples as bytes, each row filled up to a byte; 8 bits and more in the byte order ``order``."""
    if bits in (8, 16, 32, 64):
        return np.ascontiguousarray(samples, samples.dtype.newbyteorder(order)).tobytes()
    places = np.arange(bits - 1, -1, -1)
    flags = (samples[..., None].astype(np.int64) >> places & 1).astype(np.uint8).reshape(len(samples), -1)
    return np.packbits(flags, axis=1, bitorder="little" if lsb_first else "big").tobytes()


def turned(pixels: Array, orientation: int) -> Array:
    """Stored pixels as they are to be seen: EXIF 2.3, table of the tag Orientation (row 0 and column 0 at ...)."""
    return {
        1: lambda p: p,
        2: lambda p: p[:, ::-1],
        3: lambda p: p[::-1, ::-1],
        4: lambda p: p[::-1],
        5: lambda p: p.swapaxes(0, 1),
        6: lambda p: p[::-1].swapaxes(0, 1),
        7: lambda p: p[::-1, ::-1].swapaxes(0, 1),
        8: lambda p: p[:, ::-1].swapaxes(0, 1),
    }[orientation](pixels)
