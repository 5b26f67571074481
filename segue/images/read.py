"""Image files to arrays and back. Label files are the business of `segue.masks.decode`.

Photographs are decoded by OpenCV (BGR), because the published numbers were measured with its decoder; TIFFs and JPEG
2000 files that it would not read as their standard says by `segue.images.stored`; numpy files are taken as they are.
What every kind of file gives is in docs/formats.md. Nothing here needs torch.

The EXIF orientation of a photograph is applied, as by the reference, unless the color type ends with
``_ignore_orientation`` or is ``unchanged``. Transparency is dropped by ``color`` and kept by ``unchanged``. A palette
becomes its colours. Of an animated GIF the first picture counts.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from segue.errors import DataError, InputError
from segue.images.decoders import CV2_FLAGS, decode_whole
from segue.images.jpeg import jpeg_damage
from segue.images.kinds import check_kind
from segue.images.limits import check_file, check_pixels
from segue.images.pixels import opencv_pixels, pillow_pixels
from segue.images.png import check_png, looks_cut_off
from segue.images.stored import unusual_image
from segue.images.volumes import decode_npy

Array: TypeAlias = NDArray[Any]
ColorType: TypeAlias = Literal[
    "color", "grayscale", "unchanged", "color_ignore_orientation", "grayscale_ignore_orientation"
]
Backend: TypeAlias = Literal["cv2", "pillow"]

#: Suffixes of the files taken for images when a folder is scanned without being told what to look for.
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".npy")


class DamagedImageWarning(UserWarning):
    """A file is damaged in a way that decoders repair, so that its pixels are partly made up."""


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
    check_file(path)
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
    check_pixels(data, path)
    kind = check_kind(data, path)
    if kind == "npy":
        return _npy_image(decode_npy(data, path), color_type, path)
    if kind in ("tiff", "jpeg2000"):
        image = unusual_image(data, color_type, path)
        if image is not None:
            return image
    if looks_cut_off(data):
        pillow_pixels(data, path)  # raises if pixels are missing: OpenCV would return them gray without a word
    if kind == "gif" or (kind == "bmp" and color_type == "unchanged"):
        backend = "pillow"  # OpenCV changes the colour of transparent pixels, and makes a fourth byte transparency
    elif kind in ("tiff", "jpeg2000") or (kind != "jpeg" and color_type == "unchanged"):
        backend = "cv2"  # without loss there is one right answer, and Pillow has no modes for 16-bit colours
    if backend == "cv2":
        image = decode_whole(data, color_type)
        if image is None:
            if kind == "jpeg" and (damage := jpeg_damage(data)):
                text = (
                    f"{path}: damaged JPEG ({damage}); the decoder makes up what is missing: copy or download it again"
                )
                warnings.warn(text, DamagedImageWarning, stacklevel=2)
            image = opencv_pixels(data, CV2_FLAGS[color_type])
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
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
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


def _pillow_as(picture: Image.Image, color_type: str) -> Array:
    if color_type == "unchanged":
        if picture.mode in ("P", "PA", "CMYK", "YCbCr"):
            picture = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
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
    if picture.mode == "P":
        picture.info.pop("transparency", None)  # dropped here, which Pillow would warn of
    if color_type.startswith("grayscale"):
        return np.array(picture.convert("L"))
    return np.ascontiguousarray(np.asarray(picture.convert("RGB"))[:, :, ::-1])
