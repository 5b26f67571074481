"""Calls of OpenCV and Pillow that say nothing of their own and whose errors name the file."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from segue.errors import DataError
from segue.images.jpeg2000 import is_jpeg2000
from segue.images.limits import allow_in_pillow
from segue.images.png import check_rows
from segue.images.tiff import is_tiff

#: Pillow's names of the kinds of `segue.images.kinds`; of others it would start programs (EPS) or guess.
_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "JPEG2000", "PPM")


def opencv_pixels(data: bytes, flags: int) -> NDArray[Any] | None:
    """What OpenCV decodes with ``cv2.IMREAD_...``; None if it cannot."""
    encoded = np.frombuffer(data, np.uint8)
    if not is_tiff(data) and not is_jpeg2000(data):
        return cv2.imdecode(encoded, flags)
    logging = cv2.utils.logging
    level = logging.getLogLevel()
    logging.setLogLevel(logging.LOG_LEVEL_SILENT)  # a line for every tag of a GeoTIFF, and for damage
    try:
        return cv2.imdecode(encoded, flags)
    finally:
        logging.setLogLevel(level)


def pillow_pixels(data: bytes, path: str | Path) -> Image.Image:
    """The decoded picture as Pillow gives it; ``path`` is used in messages only.

    Raises:
        DataError: the file is no picture, damaged or incomplete.
    """
    check_rows(data, path)
    allow_in_pillow()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # large scenes are everyday data here
            picture = Image.open(io.BytesIO(data), formats=_FORMATS)
            picture.load()
    except UnidentifiedImageError:
        head = data[:8]
        raise DataError(f"{path}: not an image that OpenCV or Pillow can read (it starts with {head!r})") from None
    except Image.DecompressionBombError as error:
        raise DataError(f"{path}: too large to read at once: {error}; cut it into tiles") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise DataError(f"{path}: damaged or incomplete image ({len(data)} bytes): {error}") from error
    return picture
