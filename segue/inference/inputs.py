"""What a user hands to a predictor, as the images that its pipeline takes: files, arrays, Pillow images.

Nothing is guessed in silence: an array's values must be on the scale that the model's own files have, its channels as
many as the model takes, and the order of its three colors is the caller's to say.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from segue.errors import DataError, InputError
from segue.images.limits import check_file
from segue.images.read import IMAGE_SUFFIXES, Array, decode_image
from segue.system.near import near_path


@dataclass(frozen=True)
class Expected:
    """What a model's pipeline gives to the network.

    Attributes:
        channels: of an image.
        eight_bits: whether its files are decoded to uint8, so that values are 0 to 255.
    """

    channels: int
    eight_bits: bool

    @classmethod
    def of(cls, model: nn.Module, read: Any) -> Expected:
        """What this model takes; ``read`` is the step that reads its images."""
        own = getattr(model, "image_channels", None)  # of an exported file, which has no modules to look at
        if own is not None:
            return cls(own, str(getattr(read, "color_type", "unchanged")) != "unchanged")
        stem = getattr(model, "backbone", None) or model
        convolution = next((m for m in stem.modules() if isinstance(m, (nn.Conv2d, nn.Conv3d))), None)
        channels = 3 if convolution is None else convolution.in_channels
        mean = getattr(getattr(model, "data_preprocessor", None), "mean", None)
        if mean is not None and mean.numel() > 1:  # a stem may see a few of several images' channels
            channels = mean.numel()
        return cls(channels, str(getattr(read, "color_type", "unchanged")) != "unchanged")


def as_image(image: Any, expected: Expected, rgb: bool | None = None) -> Array:
    """An array or Pillow image as the step that reads files would give it: (H, W, C), colors in the order BGR.

    Args:
        image: (H, W) or (H, W, C) of any dtype; or a Pillow image.
        expected: what the model takes.
        rgb: whether the colors of an array of three or four channels are in the order RGB, as Pillow gives them, and
            not BGR, as ``cv2.imread`` does. None takes it for BGR and warns.

    Raises:
        InputError: a shape, a number of channels, or values that the model cannot take.
    """
    if hasattr(image, "convert"):
        array, rgb = _of_pillow(image, expected), True
    else:
        array = _on_scale(_shaped(np.asarray(image)), expected)
    colors = array.shape[2] in (3, 4)
    array = fitted(array, expected)
    if not colors or (rgb is None and not expected.eight_bits):
        return array
    if rgb is None:
        warnings.warn(
            "an array's colors are taken for BGR, as cv2.imread gives them; say rgb=True for np.array(a Pillow image), "
            "rgb=False to leave this warning out",
            UserWarning,
            stacklevel=2,
        )
    return np.ascontiguousarray(array[..., [2, 1, 0, *range(3, array.shape[2])]]) if rgb else array


def decoded(data: bytes, read: Any, name: str) -> Array:
    """The bytes of an image file as the step that reads files would give them.

    Raises:
        DataError: they are no image.
        InputError: the step reads files only.
    """
    if not (hasattr(read, "color_type") and hasattr(read, "imdecode_backend")):
        raise InputError(f"{name}: this model's pipeline begins with {type(read).__name__}, which reads files only")
    if not data:
        raise DataError(f"{name}: no bytes are left to read")
    array = decode_image(data, read.color_type, read.imdecode_backend, name)
    return array.astype(np.float32) if getattr(read, "to_float32", False) else array


def array_of(tensor: Tensor) -> Array:
    """A tensor (C, H, W) or (H, W) as an array (H, W, C) or (H, W).

    Raises:
        InputError: another shape, or one that looks like (H, W, C).
    """
    if tensor.ndim == 3 and tensor.shape[2] in (1, 3, 4) and tensor.shape[0] not in (1, 3, 4):
        raise InputError(f"a tensor is (C, H, W); this one of {tuple(tensor.shape)} looks like (H, W, C)")
    if tensor.ndim not in (2, 3):
        raise InputError(f"a tensor is (C, H, W), or (B, C, H, W) for several; this one is {tuple(tensor.shape)}")
    tensor = tensor.detach().cpu()
    tensor = tensor.float() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor
    return (tensor.permute(1, 2, 0) if tensor.ndim == 3 else tensor).numpy()


def fitted(array: Array, expected: Expected, name: str = "") -> Array:
    """An image as (H, W, C): one band as often as the model takes it, where that is three times.

    Raises:
        InputError: the image has other channels than the model takes; ``name`` says which image.
    """
    array = _shaped(array, name)
    bands = array.shape[2]
    if bands == 1 and expected.channels == 3:
        return np.repeat(array, 3, axis=2)
    if bands != expected.channels:
        drop = "; leave out the alpha channel: array[..., :3]" if (bands, expected.channels) == (4, 3) else ""
        raise InputError(f"{name or 'an image'}: it has {bands} channels, the model takes {expected.channels}{drop}")
    return array


def _shaped(array: Array, name: str = "") -> Array:
    """(H, W) or (H, W, C) as (H, W, C)."""
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.size == 0:
        where = name or "an image"
        raise InputError(f"{where}: must be (H, W) or (H, W, C) and not empty; this array is {array.shape}")
    if array.shape[0] in (1, 3, 4) and array.shape[2] not in (1, 3, 4) and min(array.shape[1:]) > 4:
        raise InputError(
            f"an image must be (H, W, C); this array of shape {array.shape} looks like (C, H, W): transpose it with "
            "array.transpose(1, 2, 0)"
        )
    return np.ascontiguousarray(array)


def _on_scale(array: Array, expected: Expected) -> Array:
    """The values as the model's files have them."""
    if array.dtype.kind not in "uif":
        raise InputError(f"an image holds integers or floats, this array {array.dtype}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InputError("this array holds nan or infinite values")
    if not expected.eight_bits or array.dtype == np.uint8:
        return array
    low, high = array.min(), array.max()
    if low < 0 or high > 255:
        raise InputError(
            f"this array's values reach from {low:g} to {high:g} ({array.dtype}); the model takes 0 to 255, as 8-bit "
            "files have them"
        )
    if array.dtype.kind == "f":
        if 0 < high <= 1:
            raise InputError(
                f"this array's values reach from {low:g} to {high:g} ({array.dtype}); the model takes 0 to 255: "
                "multiply it by 255"
            )
        return array.astype(np.float32)
    return array.astype(np.uint8)


def _of_pillow(image: Any, expected: Expected) -> Array:
    """(H, W, C) with the channels that the model takes, colors in the order RGB."""
    if not expected.eight_bits:
        return _shaped(np.asarray(image.convert("RGB") if image.mode == "P" else image))
    if expected.channels == 1:
        gray = image if image.mode == "L" else None
        rgb = np.asarray(image.convert("RGB")) if gray is None else None
        return _shaped(np.asarray(gray) if rgb is None else cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))
    return np.asarray(image.convert("RGB"))


def find_images(paths: Sequence[str | Path], *, recursive: bool = False) -> list[Path]:
    """The image files that paths name; of a folder, those in it, sorted, and with ``recursive`` those below it.

    Hidden files, such as the ``._NAME`` of macOS, are no images.

    Raises:
        DataError: a path that does not exist, or a folder without images, which says where there are some.
    """
    return list_images(paths, recursive=recursive)[0]


def list_images(paths: Sequence[str | Path], *, recursive: bool = False) -> tuple[list[Path], int]:
    """The same, and how many images in folders below were left out; each folder is walked once."""
    found: list[Path] = []
    left_out = 0
    for path in map(Path, paths):
        if path.is_dir():
            below = [p for p in path.rglob("*") if _is_image(p.relative_to(path))]
            inside = sorted(p for p in below if recursive or p.parent == path)
            if not inside:
                raise DataError(_no_images(path, below))
            found += inside
            left_out += len(below) - len(inside)
        elif path.exists():
            check_file(path)
            found.append(path)
        else:
            raise DataError(f"{path}: no such file or folder{near_path(path)}")
    return found, left_out


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES and not any(part.startswith(".") for part in path.parts)


def _no_images(folder: Path, below: Sequence[Path]) -> str:
    if not below:
        return f"{folder}: no images there ({', '.join(IMAGE_SUFFIXES)})"
    counts = Counter(str(p.parent.relative_to(folder)) for p in below).most_common(4)
    there = ", ".join(f"{count} in {name}" for name, count in counts)
    return f"{folder}: no images directly there, but {there}; name these folders, or take all of them with --recursive"


def unique_names(files: Sequence[Path]) -> list[str]:
    """The stem of each file; with as many parent folders as it takes to tell files of one stem apart."""
    stems = [file.stem for file in files]
    if len(set(stems)) == len(stems):
        return stems
    names = ["/".join((*file.parts[-2:-1], file.stem)) for file in files]
    if len(set(names)) == len(names):
        return names
    return [f"{i:06d}_{stem}" for i, stem in enumerate(stems)]


def picture_of(array: Array, eight_bits: bool) -> Array:
    """A BGR array (H, W, C) as (H, W, 3) uint8 RGB, for drawing on; what has other depths is stretched."""
    picture = array[..., :3] if array.shape[2] >= 3 else np.repeat(array[..., :1], 3, axis=2)
    if eight_bits:
        picture = picture.astype(np.uint8)
    elif picture.dtype != np.uint8:
        low, high = float(picture.min()), float(picture.max())
        picture = ((picture.astype(np.float32) - low) * (255.0 / max(high - low, 1e-6))).astype(np.uint8)
    return np.ascontiguousarray(picture[..., ::-1])


def name_of(image: Any, sample: Mapping[str, Any] | None = None) -> str:
    """How messages call an image: its file, or what it is."""
    if isinstance(image, (str, Path)):
        return str(image)
    shape = getattr(image, "shape", None) or getattr(image, "size", None)
    return f"{type(image).__name__} {tuple(shape)}" if shape is not None else type(image).__name__
