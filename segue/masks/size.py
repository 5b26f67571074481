"""The size of an image from its header, without decoding it."""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from segue.errors import DataError
from segue.images.jpeg2000 import is_jpeg2000, read_jpeg2000_header
from segue.images.limits import check_file
from segue.images.tiff import is_tiff, read_header

#: More pixels than this are refused where an annotation file claims them, since it costs nothing to claim them.
MOST_PIXELS = 1 << 30
_TURNED = (5, 6, 7, 8)  # EXIF orientations that swap rows and columns
_ORIENTATION = 0x0112


def image_size(path: str | Path) -> tuple[int, int]:
    """(H, W) of an image as it is read, its EXIF orientation applied."""
    path = Path(path)
    check_file(path)
    try:
        with path.open("rb") as file:
            head = file.read(12)
            if head[:6] == b"\x93NUMPY":
                rows, columns = np.load(path, mmap_mode="r", allow_pickle=False).shape[:2]
                return rows, columns
            if is_tiff(head):
                with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                    header = read_header(data, path, complete=False)  # type: ignore[arg-type]
                    return header.size[::-1] if header.orientation in _TURNED else header.size
            if is_jpeg2000(head):
                with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                    return read_jpeg2000_header(data, path).size  # type: ignore[arg-type]
            with Image.open(file) as picture:
                turned = picture.getexif().get(_ORIENTATION) in _TURNED
                width, height = picture.size
                return (width, height) if turned else (height, width)
    except FileNotFoundError:
        raise DataError(f"{path}: the file does not exist") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: cannot read the size of the image: {error}") from error


def check_size(height: object, width: object, where: str) -> tuple[int, int]:
    """(H, W) as an annotation file states it, or a DataError."""
    valid = all(isinstance(side, int) and not isinstance(side, bool) and side > 0 for side in (height, width))
    if not valid or height * width > MOST_PIXELS:  # type: ignore[operator]
        raise DataError(f"{where}: an image of {width} x {height} pixels cannot be meant")
    return height, width  # type: ignore[return-value]
