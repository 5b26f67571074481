"""mmcv's image functions, over OpenCV: BGR arrays, sizes as (width, height)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from segue.images.read import decode_image, read_image

INTERPOLATIONS = {
    "nearest": cv2.INTER_NEAREST,
    "bilinear": cv2.INTER_LINEAR,
    "bicubic": cv2.INTER_CUBIC,
    "area": cv2.INTER_AREA,
    "lanczos": cv2.INTER_LANCZOS4,
}
COLORS = {"color": "color", "color_ignore_orientation": "color", "grayscale": "grayscale", "unchanged": "unchanged"}


def imread(
    img_or_path: Any, flag: str = "color", channel_order: str = "bgr", backend: str | None = None, **kwargs: Any
) -> Any:
    """An image file as an array; arrays pass through."""
    if isinstance(img_or_path, np.ndarray):
        return img_or_path
    image = read_image(img_or_path, COLORS[flag], backend or "cv2")
    return image[..., ::-1] if channel_order == "rgb" and image.ndim == 3 else image


def imfrombytes(content: bytes, flag: str = "color", channel_order: str = "bgr", backend: str | None = None) -> Any:
    """An image from the bytes of its file."""
    image = decode_image(content, COLORS[flag], backend or "cv2")
    return image[..., ::-1] if channel_order == "rgb" and image.ndim == 3 else image


def imwrite(img: Any, file_path: Any, params: Any = None, auto_mkdir: Any = None, **kwargs: Any) -> bool:
    """Write an image; folders are made."""
    Path(file_path).parent.mkdir(parents=True, exist_ok=True)
    return cv2.imwrite(str(file_path), img, params or [])


def imresize(
    img: Any,
    size: tuple[int, int],
    return_scale: bool = False,
    interpolation: str = "bilinear",
    out: Any = None,
    backend: str | None = None,
) -> Any:
    """Resize to (width, height)."""
    height, width = img.shape[:2]
    resized = cv2.resize(img, size, dst=out, interpolation=INTERPOLATIONS[interpolation])
    return (resized, size[0] / width, size[1] / height) if return_scale else resized


def rescale_size(old_size: tuple[int, int], scale: Any, return_scale: bool = False) -> Any:
    """(width, height) scaled by a factor, or as large as fits into a pair."""
    width, height = old_size
    if isinstance(scale, (int, float)):
        factor = float(scale)
    else:
        factor = min(max(scale) / max(height, width), min(scale) / min(height, width))
    size = int(width * factor + 0.5), int(height * factor + 0.5)
    return (size, factor) if return_scale else size


def imrescale(
    img: Any, scale: Any, return_scale: bool = False, interpolation: str = "bilinear", backend: str | None = None
) -> Any:
    """Resize with the aspect kept."""
    height, width = img.shape[:2]
    size, factor = rescale_size((width, height), scale, return_scale=True)
    resized = imresize(img, size, interpolation=interpolation)
    return (resized, factor) if return_scale else resized


def imresize_like(img: Any, dst_img: Any, return_scale: bool = False, interpolation: str = "bilinear") -> Any:
    """Resize to the size of another image."""
    return imresize(img, dst_img.shape[1::-1], return_scale, interpolation)


def imflip(img: Any, direction: str = "horizontal") -> Any:
    """Flip."""
    axis: Any = {"horizontal": 1, "vertical": 0, "diagonal": (0, 1)}[direction]
    return np.flip(img, axis=axis)


def imcrop(img: Any, bboxes: Any, scale: float = 1.0, pad_fill: Any = None) -> Any:
    """Cut out boxes (x1, y1, x2, y2), ends included."""
    boxes = np.atleast_2d(np.asarray(bboxes)).astype(int)
    cuts = [img[max(y1, 0) : y2 + 1, max(x1, 0) : x2 + 1] for x1, y1, x2, y2 in boxes]
    return cuts[0] if np.asarray(bboxes).ndim == 1 else cuts


def impad(img: Any, *, shape: Any = None, padding: Any = None, pad_val: Any = 0, padding_mode: str = "constant") -> Any:
    """Pad to (height, width), or by (left, top, right, bottom)."""
    if shape is not None:
        padding = (0, 0, max(shape[1] - img.shape[1], 0), max(shape[0] - img.shape[0], 0))
    elif isinstance(padding, int):
        padding = (padding,) * 4
    elif len(padding) == 2:
        padding = (padding[0], padding[1], padding[0], padding[1])
    kinds = {
        "constant": cv2.BORDER_CONSTANT,
        "edge": cv2.BORDER_REPLICATE,
        "reflect": cv2.BORDER_REFLECT_101,
        "symmetric": cv2.BORDER_REFLECT,
    }
    left, top, right, bottom = padding
    return cv2.copyMakeBorder(img, top, bottom, left, right, kinds[padding_mode], value=pad_val)


def impad_to_multiple(img: Any, divisor: int, pad_val: Any = 0) -> Any:
    """Pad so that both sides are multiples."""
    return impad(img, shape=tuple(-(-side // divisor) * divisor for side in img.shape[:2]), pad_val=pad_val)


def imrotate(
    img: Any,
    angle: float,
    center: Any = None,
    scale: float = 1.0,
    border_value: Any = 0,
    interpolation: str = "bilinear",
    auto_bound: bool = False,
    border_mode: str = "constant",
) -> Any:
    """Rotate clockwise by degrees."""
    height, width = img.shape[:2]
    center = center or ((width - 1) * 0.5, (height - 1) * 0.5)
    matrix = cv2.getRotationMatrix2D(center, -angle, scale)
    if auto_bound:
        cosine, sine = abs(matrix[0, 0]), abs(matrix[0, 1])
        new = (round(height * sine + width * cosine), round(height * cosine + width * sine))
        matrix[0, 2] += (new[0] - width) * 0.5
        matrix[1, 2] += (new[1] - height) * 0.5
        width, height = new
    flags = INTERPOLATIONS[interpolation]
    return cv2.warpAffine(img, matrix, (width, height), flags=flags, borderValue=border_value)


def imnormalize(img: Any, mean: Any, std: Any, to_rgb: bool = True) -> Any:
    """(image - mean) / std in float32, as RGB."""
    image = img.astype(np.float32)
    image = image[..., ::-1] if to_rgb else image
    return (image - np.asarray(mean, np.float32)) / np.asarray(std, np.float32)


def imdenormalize(img: Any, mean: Any, std: Any, to_bgr: bool = True) -> Any:
    """The way back."""
    image = img * np.asarray(std, np.float32) + np.asarray(mean, np.float32)
    return image[..., ::-1] if to_bgr else image


def imshow(img: Any, win_name: str = "", wait_time: int = 0) -> None:
    """Open a window."""
    cv2.imshow(win_name, imread(img))
    cv2.waitKey(wait_time)


def bgr2rgb(img: Any) -> Any:
    """BGR to RGB."""
    return np.ascontiguousarray(img[..., ::-1])


rgb2bgr = bgr2rgb


def bgr2gray(img: Any, keepdim: bool = False) -> Any:
    """BGR to one channel."""
    gray = cv2.cvtColor(img, cv2.COLOR_BGR2GRAY)
    return gray[..., None] if keepdim else gray


def gray2bgr(img: Any) -> Any:
    """One channel to three equal ones."""
    return cv2.cvtColor(img if img.ndim == 2 else img[..., 0], cv2.COLOR_GRAY2BGR)


def bgr2hsv(img: Any) -> Any:
    """BGR to HSV."""
    return cv2.cvtColor(img, cv2.COLOR_BGR2HSV)


def hsv2bgr(img: Any) -> Any:
    """HSV to BGR."""
    return cv2.cvtColor(img, cv2.COLOR_HSV2BGR)
