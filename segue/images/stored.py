"""The samples that TIFFs and JPEG 2000 files store, where the usual decoders would give something else.

With the extra ``geo`` GDAL reads them. Without it, what OpenCV or Pillow do is undone where that is possible, and the
rest is refused. What an image looks like is made from its samples by the rules of docs/formats.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from segue.errors import DataError
from segue.images.jpeg2000 import read_jpeg2000_header
from segue.images.pixels import opencv_pixels, pillow_pixels
from segue.images.rasters import decode_raster, has_rasterio
from segue.images.tiff import BLACK, CMYK, PALETTE, RGB, WHITE, YCBCR, TiffHeader, is_tiff, read_header

Array = NDArray[Any]
_DEEP = (16, 32, 64)
_BACK = {6: 8, 8: 6}  # orientations that undo others; the rest undo themselves
_NUMBERS = {1: "u", 2: "i", 3: "f", 4: "u"}  # kinds of numpy's types by that of the file


def unusual_image(data: bytes, color_type: str, path: str | Path) -> Array | None:
    """The pixels of a TIFF or JPEG 2000 file as `segue.images.read.decode_image` gives them.

    None where the usual decoders are right about the file.

    Raises:
        DataError: it is damaged, or is no picture of colours although ``color_type`` asks for one.
        MissingExtraError: only GDAL reads it, which is not installed.
    """
    if is_tiff(data):
        header = read_header(data, path)
        if color_type != "unchanged" and not (header.plain and header.unsigned and header.bits <= 16):
            raise DataError(f"{path}: holds {header.content}, which are no {color_type}; set color_type='unchanged'")
        if not header.plain:
            return stored_samples(data, header, path)
        if header.photometric in (CMYK, YCBCR) and color_type == "unchanged" and header.orientation == 1:
            return opencv_pixels(data, cv2.IMREAD_COLOR)  # its unchanged ones are of four bands
        if _usual(header, color_type):
            if header.coded and (header.bits == 8 or (header.bits == 16 and color_type != "unchanged")):
                return _careful(data, header, color_type, path)
            return None
    else:
        jpeg2000 = read_jpeg2000_header(data, path)
        if jpeg2000.plain:
            return None
        if color_type != "unchanged" and (jpeg2000.signed or not jpeg2000.even or jpeg2000.bands not in (1, 3, 4)):
            raise DataError(
                f"{path}: a JPEG 2000 file of {jpeg2000.bands} bands{' of signed numbers' * jpeg2000.signed}, which "
                f"are no {color_type}; set color_type='unchanged'"
            )
        header = _as_tiff(data, path)
    return _seen(stored_samples(data, header, path), header, color_type)


def stored_samples(data: bytes, header: TiffHeader, path: str | Path) -> Array:
    """(H, W, C) as stored, below 8 bits uint8; indexes of a palette; bands in the order of the file."""
    if header.photometric == CMYK and header.bits == 8:  # GDAL makes colours of them
        raise DataError(f"{path}: a TIFF of inks (CMYK) that is turned or not complete; save it as PNG")
    samples = None
    if is_tiff(data) and not header.missing and not has_rasterio():
        try:
            samples = _by_others(data, header, path)
        except DataError:  # of Pillow
            samples = None
    if samples is None:
        samples = decode_raster(data, path, f"{header.content} stored in this way")  # which names the extra
    if samples.shape != (*header.size, header.bands):
        raise DataError(
            f"{path}: its header says {header.content} of {header.size}, GDAL found {samples.shape[2]} of "
            f"{samples.shape[:2]}"
        )
    return samples


def label_samples(data: bytes, path: str | Path) -> tuple[Array, TiffHeader]:
    """`stored_samples` of a TIFF or JPEG 2000 file, and its header."""
    if is_tiff(data):
        header = read_header(data, path)
        return stored_samples(data, header, path), header
    header = _as_tiff(data, path)
    if read_jpeg2000_header(data, path).plain:
        pixels = opencv_pixels(data, cv2.IMREAD_UNCHANGED)
        if pixels is None:
            raise DataError(f"{path}: damaged or incomplete image ({len(data)} bytes): OpenCV cannot decode it")
        pixels = pixels.reshape(*header.size, -1)
        return pixels[:, :, [2, 1, 0, 3][: pixels.shape[2]]] if pixels.shape[2] in (3, 4) else pixels, header
    return stored_samples(data, header, path), header


def _careful(data: bytes, header: TiffHeader, color_type: str, path: str | Path) -> Array | None:
    """The pixels if they come at no cost, else None: decode them.

    Raises:
        DataError: damage within compressed blocks, which OpenCV makes black without a word where it gives 8 bits.
    """
    if header.bits == 16:
        if opencv_pixels(data, cv2.IMREAD_UNCHANGED) is None:
            raise DataError(f"{path}: damaged or incomplete image ({len(data)} bytes): its pixels cannot be decoded")
        return None
    if data[:4] == b"MM\0+":  # Pillow does not know large files of this order
        return None
    picture = pillow_pixels(data, path)
    gray = color_type.startswith("grayscale")  # OpenCV rounds it in its own way
    if gray or header.orientation != 1 or header.photometric not in (BLACK, RGB) or not header.unsigned:
        return None
    samples = np.array(picture).reshape(*header.size, -1)
    return _seen(samples, header, color_type) if samples.shape[2] == header.bands else None


def _as_tiff(data: bytes, path: str | Path) -> TiffHeader:
    """The header of a JPEG 2000 file."""
    found = read_jpeg2000_header(data, path)
    photometric = RGB if found.bands in (3, 4) else BLACK
    return TiffHeader(found.size, found.bands, found.bits, 2 if found.signed else 1, photometric, tiled=True)


def _usual(header: TiffHeader, color_type: str) -> bool:
    """Whether OpenCV gives the pixels of a plain TIFF as its standard says."""
    unchanged = color_type == "unchanged"
    if header.missing or not header.common or (header.orientation != 1 and color_type not in ("color", "grayscale")):
        return False
    if header.photometric in (CMYK, YCBCR):
        return True
    if header.photometric == PALETTE:
        return header.bits in (4, 8)
    if header.photometric == BLACK and header.bits == 1:
        return not header.tiled
    if header.photometric == WHITE or header.bands == 4:  # it inverts some, and multiplies colours with their alpha
        return False
    deep = header.bits in _DEEP and not (header.is_float and header.bits == 16)
    if header.planes and header.bands > 1 and deep:
        return False
    return header.bits == 8 or (deep and (unchanged or header.bits == 16))


def _by_others(data: bytes, header: TiffHeader, path: str | Path) -> Array | None:
    """What OpenCV or Pillow give, with their changes undone; None where that cannot be."""
    if not header.plain:
        return None
    samples: Array | None = None
    shallow = header.bits in (1, 2, 4, 8) and header.unsigned
    if header.bands == 1 and shallow and header.photometric in (WHITE, BLACK, PALETTE) and data[:4] != b"MM\0+":
        samples = np.array(pillow_pixels(data, path)).astype(np.uint8)
        if header.photometric != PALETTE:
            top = 1 if header.bits == 1 else 255
            samples = top - samples if header.photometric == WHITE else samples
            samples //= max(1, top // ((1 << header.bits) - 1))
    elif header.bands == 4 and header.alpha and header.bits == 8 and header.photometric == RGB:
        samples = np.array(pillow_pixels(data, path))
    elif header.photometric in (BLACK, RGB) or (header.photometric == WHITE and header.bits > 8):
        if header.bits in (8, *_DEEP) and (not header.planes or header.bands == 1 or header.bits == 8):
            samples = opencv_pixels(data, cv2.IMREAD_UNCHANGED)
        if samples is not None and samples.ndim == 3:
            samples = samples[:, :, [2, 1, 0, 3][: samples.shape[2]]]
    if samples is None:
        return None
    samples = turned(samples.reshape(*samples.shape[:2], -1), _BACK.get(header.orientation, header.orientation))
    right = samples.shape[2] == header.bands and samples.dtype.kind == _NUMBERS.get(header.sample_format)
    return samples if right else None


def _seen(samples: Array, header: TiffHeader, color_type: str) -> Array:
    """An image of samples (H, W, C), of the colours and the depth of a color type."""
    top = (1 << header.bits) - 1
    few = header.bits < 8 and header.unsigned
    if color_type == "unchanged":
        if header.photometric == PALETTE:
            return _colors(samples, header)
        samples = samples * np.uint8(255 // top) if few else samples
        return _opencv_order(samples)
    if header.photometric == PALETTE:
        pixels = _colors(samples, header)
    else:
        samples = samples[:, :, :3] if header.bands == 4 else samples
        samples = top - samples if header.photometric == WHITE else samples
        if header.bits != 8:
            samples = samples * (255 // top) if few else samples >> (header.bits - 8)
        pixels = _opencv_order(samples.astype(np.uint8, copy=False))
    if not color_type.endswith("_ignore_orientation"):
        pixels = turned(pixels, header.orientation)
    if color_type.startswith("grayscale"):
        return pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    return cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR) if pixels.ndim == 2 else pixels


def _colors(samples: Array, header: TiffHeader) -> Array:
    """(H, W, 3) BGR of indexes."""
    table = np.zeros((3, 256), np.int64)
    entries = np.array(header.colors, np.int64).reshape(3, -1)[:, :256]
    table[:, : entries.shape[1]] = entries
    if table.max() > 255:
        table >>= 8
    return np.ascontiguousarray(table[::-1].T.astype(np.uint8)[samples[:, :, 0]])


def _opencv_order(samples: Array) -> Array:
    """(H, W) of one band; BGR(A) of three or four."""
    if samples.shape[2] == 1:
        return np.ascontiguousarray(samples[:, :, 0])
    if samples.shape[2] == 3 and samples.dtype == np.uint8:
        return cv2.cvtColor(samples, cv2.COLOR_RGB2BGR)  # the quickest way
    order = [2, 1, 0, 3][: samples.shape[2]] if samples.shape[2] in (3, 4) else range(samples.shape[2])
    return np.ascontiguousarray(samples[:, :, order])


def turned(pixels: Array, orientation: int) -> Array:
    """Stored pixels (H, W, ...) as they are to be seen, by EXIF's orientation 1 to 8."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)
