"""Image files to arrays and back. Label files are the business of `segue.masks.decode`.

Photographs are decoded by OpenCV (BGR), because the published numbers were measured with its decoder; TIFFs of other
bands than gray or RGB(A) by `segue.images.rasters`, in the order of the file; numpy files are taken as they are.
Nothing here needs torch.

The EXIF orientation of a photograph is applied, as by the reference, unless the color type ends with
``_ignore_orientation`` or is ``unchanged``. Transparency is dropped by ``color`` and kept by ``unchanged``. A palette
becomes its colours. Of an animated GIF the first picture counts.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from segue.errors import DataError, InputError
from segue.images.decoders import CV2_FLAGS, decode_whole
from segue.images.png import check_png, looks_cut_off
from segue.images.rasters import decode_raster
from segue.images.tiff import is_tiff, read_header
from segue.images.volumes import NIFTI_SUFFIXES, decode_npy

Array: TypeAlias = NDArray[Any]
ColorType: TypeAlias = Literal[
    "color", "grayscale", "unchanged", "color_ignore_orientation", "grayscale_ignore_orientation"
]
Backend: TypeAlias = Literal["cv2", "pillow"]

#: Suffixes of the files taken for images when a folder is scanned without being told what to look for.
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".npy")


def read_image(path: str | Path, color_type: str = "color", backend: str = "cv2") -> Array:
    """Read an image file.

    Args:
        path: the file.
        color_type: ``color`` gives (H, W, 3) BGR uint8 of gray, RGB and 16-bit files; ``grayscale`` (H, W) uint8;
            ``unchanged`` the stored channels (BGR or BGRA order) and depth, so 16-bit data stays 16-bit. Floats and
            bands that are no colours are read with ``unchanged`` only.
        backend: ``cv2`` or ``pillow``; formats that OpenCV cannot read are tried with Pillow.
    """
    return decode_image(read_bytes(path), color_type, backend, path)


def read_bytes(path: str | Path) -> bytes:
    """Contents of a file; a file that is missing, unreadable or empty is a DataError that names it."""
    try:
        with open(path, "rb") as stream:  # without making a Path, for it is done millions of times
            data = stream.read()
    except FileNotFoundError:
        parent = Path(path).parent
        where = "" if parent.is_dir() else f" (nor does its folder {parent})"
        raise DataError(f"{path}: the file does not exist{where}") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    if not data:
        raise DataError(f"{path}: the file is empty (0 bytes); copy or download it again")
    return data


def decode_image(data: bytes, color_type: str = "color", backend: str = "cv2", path: str | Path = "<bytes>") -> Array:
    """Decode an encoded image as `read_image` does; ``path`` is used in messages only."""
    if color_type not in get_args(ColorType):
        raise InputError(f"color_type must be one of {', '.join(get_args(ColorType))}, got {color_type!r}")
    if backend not in get_args(Backend):
        raise InputError(f"imdecode_backend must be 'cv2' or 'pillow', got {backend!r}")
    if data[:6] == b"\x93NUMPY":
        return _npy_image(decode_npy(data, path), color_type, path)
    if is_tiff(data):
        header = read_header(data, path)
        if not header.plain or header.is_float or header.bits > 16:
            if color_type != "unchanged":
                kind = f"{header.bands} bands of {header.bits}-bit {'floats' if header.is_float else 'integers'}"
                raise DataError(f"{path}: holds {kind}, which are no {color_type}; set color_type='unchanged'")
            if not header.plain:
                return decode_raster(data, path)
    if looks_cut_off(data):
        pillow_pixels(data, path)  # raises if pixels are missing: OpenCV would return them gray without a word
    if backend == "cv2":
        image = decode_whole(data, color_type)
        if image is None:
            image = _opencv_pixels(data, CV2_FLAGS[color_type])
        if image is not None and image.size:
            return image
        check_png(data, path)  # Pillow would accept wrong checksums
    return _pillow_as(pillow_pixels(data, path), color_type)


def write_png(path: str | Path, array: Array) -> None:
    """Write (H, W) uint8 or uint16, or (H, W, 3) BGR uint8, as a PNG; folders are made as needed."""
    if array.dtype not in (np.dtype(np.uint8), np.dtype(np.uint16)):
        raise InputError(f"{path}: a PNG holds uint8 or uint16, got {array.dtype}")
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    encoded, data = cv2.imencode(".png", np.ascontiguousarray(array))
    if not encoded:
        raise InputError(f"{path}: an array of shape {array.shape} cannot be written as PNG")
    path.write_bytes(data.tobytes())


def depth_png(depths: Array, factor: float) -> Array:
    """Depths (H, W) times ``factor``, rounded to uint16: what is beyond 0 and 65535 becomes these."""
    return np.clip(np.rint(depths * factor), 0, 65535).astype(np.uint16)


def _npy_image(array: Array, color_type: str, path: str | Path) -> Array:
    if array.ndim not in (2, 3) or array.size == 0 or array.dtype.kind not in "uif":
        raise DataError(f"{path}: an image is (H, W) or (H, W, C) numbers, this array is {array.dtype} {array.shape}")
    if color_type == "unchanged":
        return array
    gray = array.ndim == 2 or array.shape[2] == 1
    if array.dtype != np.uint8 or (array.ndim == 3 and array.shape[2] not in (1, 3)):
        raise DataError(
            f"{path}: holds {array.dtype} {array.shape}, which is no {color_type}; set color_type='unchanged'"
        )
    if color_type.startswith("grayscale"):
        return array.reshape(array.shape[:2]) if gray else cv2.cvtColor(array, cv2.COLOR_BGR2GRAY)
    return cv2.cvtColor(array, cv2.COLOR_GRAY2BGR) if gray else np.ascontiguousarray(array)


def _opencv_pixels(data: bytes, flags: int) -> Array | None:
    encoded = np.frombuffer(data, np.uint8)
    if not is_tiff(data):
        return cv2.imdecode(encoded, flags)
    logging = cv2.utils.logging
    level = logging.getLogLevel()
    logging.setLogLevel(logging.LOG_LEVEL_SILENT)  # a line for every tag of a GeoTIFF
    try:
        return cv2.imdecode(encoded, flags)
    finally:
        logging.setLogLevel(level)


def pillow_pixels(data: bytes, path: str | Path) -> Image.Image:
    """The decoded picture as Pillow gives it; ``path`` is used in messages only.

    Raises:
        DataError: the file is no picture, damaged or incomplete.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # large scenes are everyday data here
            picture = Image.open(io.BytesIO(data))
            picture.load()
    except UnidentifiedImageError:
        if str(path).lower().endswith(NIFTI_SUFFIXES):
            raise DataError(f"{path}: a NIfTI volume; read it with LoadBiomedicalImageFromFile") from None
        head = data[:8]
        raise DataError(f"{path}: not an image that OpenCV or Pillow can read (it starts with {head!r})") from None
    except Image.DecompressionBombError as error:
        raise DataError(f"{path}: too large to read at once: {error}; cut it into tiles") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise DataError(f"{path}: damaged or incomplete image ({len(data)} bytes): {error}") from error
    return picture


def _pillow_as(picture: Image.Image, color_type: str) -> Array:
    if color_type == "unchanged":
        if picture.mode in ("P", "PA", "CMYK", "YCbCr"):
            picture = picture.convert("RGB")
        pixels = np.array(picture)
        if pixels.dtype == np.bool_:
            return pixels.astype(np.uint8) * 255
        if pixels.ndim == 3 and pixels.shape[2] >= 3:  # BGR(A), as OpenCV gives it
            pixels = pixels[:, :, [2, 1, 0, *range(3, pixels.shape[2])]]
        return np.ascontiguousarray(pixels)
    if not color_type.endswith("_ignore_orientation"):
        picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I"):  # Pillow clips instead of scaling; OpenCV keeps the high byte
        pixels = np.clip(np.asarray(picture).astype(np.int64) >> 8, 0, 255).astype(np.uint8)
        picture = Image.fromarray(pixels)
    if color_type.startswith("grayscale"):
        return np.array(picture.convert("L"))
    return np.ascontiguousarray(np.asarray(picture.convert("RGB"))[:, :, ::-1])
