"""mmcv.image: colors, contrast and shape of uint8 pictures (H, W, 3) or (H, W), in BGR unless a name says otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from segue.compat.mmcv.images import bgr2gray, imnormalize, imresize

supported_backends = ["cv2"]
SIZE = tuple[int, int]
INTERPOLATIONS = {"nearest": cv2.INTER_NEAREST, "bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC,
                  "area": cv2.INTER_AREA, "lanczos": cv2.INTER_LANCZOS4}  # fmt: skip


def use_backend(backend: str) -> None:
    """Pictures are read by OpenCV; other backends are refused."""
    if backend not in supported_backends:
        raise ValueError(f"backend {backend!r}: pictures are read by 'cv2'")


def imconvert(img: Any, src: str, dst: str) -> Any:
    """A picture from one order of colors to another: ``bgr``, ``rgb``, ``hsv``, ``hls``, ``gray``."""
    return cv2.cvtColor(img, getattr(cv2, f"COLOR_{src.upper()}2{dst.upper()}"))


def _converter(src: str, dst: str) -> Callable[[Any], Any]:
    def convert(img: Any) -> Any:
        return imconvert(img, src, dst)

    convert.__doc__ = f"{src} to {dst}."
    return convert


bgr2hls, hls2bgr = _converter("bgr", "hls"), _converter("hls", "bgr")


def rgb2gray(img: Any, keepdim: bool = False) -> Any:
    """RGB to gray."""
    out = cv2.cvtColor(img, cv2.COLOR_RGB2GRAY)
    return out[..., None] if keepdim else out


def gray2rgb(img: Any) -> Any:
    """Gray to RGB."""
    return cv2.cvtColor(img if img.ndim == 3 else img[..., None], cv2.COLOR_GRAY2RGB)


_TO_Y = np.array([65.481, 128.553, 24.966])
_TO_YCBCR = np.array([[65.481, -37.797, 112.0], [128.553, -74.203, -93.786], [24.966, 112.0, -18.214]])
_TO_RGB = np.array([[0.00456621, 0.00456621, 0.00456621], [0, -0.00153632, 0.00791071], [0.00625893, -0.00318811, 0]])


def _scaled(img: Any, matrix: Any, shift: Any, back: bool = False) -> Any:
    """By a matrix of ITU-R BT.601, of uint8 or float32 pictures in 0..1."""
    if img.dtype not in (np.uint8, np.float32):
        raise TypeError(f"The img type should be np.float32 or np.uint8, but got {img.dtype}")
    whole = img.dtype == np.uint8
    values = img.astype(np.float32) / (255.0 if whole else 1.0)
    out = (np.matmul(values * 255.0, matrix) * 255.0 if back else np.matmul(values, matrix)) + shift
    return out.round().astype(np.uint8) if whole else (out / 255.0).astype(np.float32)


def rgb2ycbcr(img: Any, y_only: bool = False) -> Any:
    """RGB to YCbCr of ITU-R BT.601, or to its Y."""
    return _scaled(img, _TO_Y, 16.0) if y_only else _scaled(img, _TO_YCBCR, np.array([16, 128, 128]))


def bgr2ycbcr(img: Any, y_only: bool = False) -> Any:
    """BGR to YCbCr, or to its Y."""
    return rgb2ycbcr(np.ascontiguousarray(img[..., ::-1]), y_only)


def ycbcr2rgb(img: Any) -> Any:
    """YCbCr to RGB."""
    return _scaled(img, _TO_RGB, np.array([-222.921, 135.576, -276.836]), back=True)


def ycbcr2bgr(img: Any) -> Any:
    """YCbCr to BGR."""
    return np.ascontiguousarray(ycbcr2rgb(img)[..., ::-1])


def imresize_to_multiple(
    img: Any, divisor: Any, size: Any = None, scale_factor: Any = None, keep_ratio: bool = False,
    return_scale: bool = False, interpolation: str = "bilinear", out: Any = None, backend: Any = None,
) -> Any:  # fmt: skip
    """Resized so that ``divisor`` divides height and width; ``size`` is (width, height)."""
    h, w = img.shape[:2]
    if (size is None) == (scale_factor is None):
        raise ValueError("one of size and scale_factor must be given")
    if size is None:
        fx, fy = scale_factor if isinstance(scale_factor, tuple) else (scale_factor, scale_factor)
        size = int(w * float(fx) + 0.5), int(h * float(fy) + 0.5)
    elif isinstance(size, int):
        size = size, size
    if keep_ratio:
        ratio = min(max(size) / max(h, w), min(size) / min(h, w))
        size = int(w * ratio + 0.5), int(h * ratio + 0.5)
    dw, dh = divisor if isinstance(divisor, tuple) else (divisor, divisor)
    wanted = int(np.ceil(size[0] / dw)) * dw, int(np.ceil(size[1] / dh)) * dh
    resized = imresize(img, wanted, interpolation=interpolation)
    return (resized, resized.shape[1] / w, resized.shape[0] / h) if return_scale else resized


def imflip_(img: Any, direction: str = "horizontal") -> Any:
    """Mirror in place."""
    codes = {"horizontal": 1, "vertical": 0, "diagonal": -1}
    return cv2.flip(img, codes[direction], img)


def imnormalize_(img: Any, mean: Any, std: Any, to_rgb: bool = True) -> Any:
    """Normalize a float picture in place."""
    if img.dtype == np.uint8:
        raise AssertionError("imnormalize_ takes a float picture")
    img[...] = imnormalize(img, mean, std, to_rgb)
    return img


def iminvert(img: Any) -> Any:
    """The negative."""
    return np.full_like(img, 255) - img


def solarize(img: Any, thr: int = 128) -> Any:
    """Negative where a value is at least ``thr``."""
    return np.where(img < thr, img, 255 - img)


def posterize(img: Any, bits: int) -> Any:
    """Only the highest ``bits``."""
    return np.left_shift(np.right_shift(img, 8 - bits), 8 - bits)


def _clipped(mixed: Any, dtype: Any) -> Any:
    return np.clip(mixed, 0, 255).astype(dtype)


def adjust_color(img: Any, alpha: float = 1, beta: Any = None, gamma: float = 0, backend: Any = None) -> Any:
    """``alpha`` of the picture, ``beta`` (the rest) of its gray form, and ``gamma``."""
    gray = np.tile(bgr2gray(img)[..., None], (1, 1, 3))
    mixed = cv2.addWeighted(img, alpha, gray, 1 - alpha if beta is None else beta, gamma)
    return mixed if mixed.dtype == np.uint8 else np.clip(mixed, 0, 255)


def adjust_brightness(img: Any, factor: float = 1.0, backend: Any = None) -> Any:
    """Towards black by ``factor`` below 1, brighter above."""
    return _clipped(cv2.addWeighted(img.astype(np.float32), factor, np.zeros_like(img, np.float32), 1 - factor, 0),
                    img.dtype)  # fmt: skip


def adjust_contrast(img: Any, factor: float = 1.0, backend: Any = None) -> Any:
    """Towards the mean gray by ``factor`` below 1, away above."""
    gray = bgr2gray(img)
    levels = np.histogram(gray, 256, (0, 255))[0]
    mean = round(np.sum(gray) / np.sum(levels))
    flat = (np.ones_like(img[..., 0]) * mean).astype(img.dtype)[..., None].repeat(3, axis=-1)
    mixed = cv2.addWeighted(img.astype(np.float32), factor, flat.astype(np.float32), 1 - factor, 0)
    return _clipped(mixed, img.dtype)


def auto_contrast(img: Any, cutoff: Any = 0) -> Any:
    """Each channel stretched to 0..255, after ``cutoff`` percent at either end are left out."""
    low_cut, high_cut = cutoff if isinstance(cutoff, tuple) else (cutoff, cutoff)

    def stretch(channel: Any) -> Any:
        levels = np.histogram(channel, 256, (0, 255))[0]
        total = np.cumsum(levels)
        low = int(np.flatnonzero(total > total[-1] * low_cut / 100)[0])
        high = int(np.flatnonzero(total[-1] - total + levels > total[-1] * high_cut / 100)[-1])
        if low >= high:
            return channel
        table = np.clip((np.arange(256) - low) * (255.0 / (high - low)), 0, 255).astype(np.uint8)
        return table[channel]

    return np.stack([stretch(img[..., n]) for n in range(img.shape[-1])], axis=-1).astype(img.dtype)


def imequalize(img: Any) -> Any:
    """The histogram of each channel made even, as Pillow does."""

    def even(channel: Any) -> Any:
        levels = np.histogram(channel, 256, (0, 255))[0]
        filled = levels[levels > 0]
        step = (np.sum(filled) - filled[-1]) // 255
        if not step:
            return channel
        table = (np.cumsum(levels) + step // 2) // step
        table = np.clip(np.concatenate([[0], table[:-1]], 0), 0, 255)
        return table[channel]

    return np.stack([even(img[..., n]) for n in range(img.shape[-1])], axis=-1).astype(img.dtype)


def adjust_sharpness(img: Any, factor: float = 1.0, kernel: Any = None) -> Any:
    """Towards a blurred picture by ``factor`` below 1, away above."""
    kernel = np.array([[1.0, 1, 1], [1, 5, 1], [1, 1, 1]]) / 13 if kernel is None else kernel
    blurred = cv2.filter2D(img, -1, kernel)
    mixed = cv2.addWeighted(img.astype(np.float32), factor, blurred.astype(np.float32), 1 - factor, 0)
    return _clipped(mixed, img.dtype)


def adjust_lighting(img: Any, eigval: Any, eigvec: Any, alphastd: float = 0.1, to_rgb: bool = True) -> Any:
    """A random shift of all colors along their main directions."""
    values, vectors = np.asarray(eigval, np.float32), np.asarray(eigvec, np.float32)
    shift = (vectors * (np.random.normal(0, alphastd, len(values)) * values)[None]).sum(1)
    return img.astype(np.float32) + (shift if to_rgb else shift[::-1])[None, None]


def adjust_hue(img: Any, hue_factor: float, backend: Any = None) -> Any:
    """A picture with all hues turned by ``hue_factor``, -0.5..0.5 of the circle."""
    if not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"hue_factor:{hue_factor} is not in [-0.5, 0.5].")
    hsv = cv2.cvtColor(img, cv2.COLOR_BGR2HSV_FULL)
    hsv[..., 0] = (hsv[..., 0].astype(np.int64) + int(hue_factor * 255)) % 256
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR_FULL).astype(img.dtype)


def lut_transform(img: Any, lut_table: Any) -> Any:
    """Each value replaced from a table of 256."""
    return cv2.LUT(np.array(img, np.uint8), lut_table)


def clahe(img: Any, clip_limit: float = 40.0, tile_grid_size: SIZE = (8, 8)) -> Any:
    """A gray picture with its contrast evened out tile by tile."""
    return cv2.createCLAHE(clip_limit, tile_grid_size).apply(np.array(img, np.uint8))


def cutout(img: Any, shape: Any, pad_val: Any = 0) -> Any:
    """A random rectangle of ``shape`` (height, width) filled with ``pad_val``."""
    height, width = shape if isinstance(shape, tuple) else (shape, shape)
    h, w = img.shape[:2]
    y, x = np.random.uniform(h), np.random.uniform(w)
    top, left = int(max(0, y - height / 2)), int(max(0, x - width / 2))
    out = img.copy()
    out[top : min(h, top + height), left : min(w, left + width)] = pad_val
    return out


def _warped(img: Any, matrix: Any, border: Any, interpolation: str) -> Any:
    channels = img.shape[2] if img.ndim == 3 else 1
    value = border if isinstance(border, tuple) else (border,) * channels
    return cv2.warpAffine(img, np.float32(matrix), img.shape[1::-1], borderValue=value[:3],
                          flags=INTERPOLATIONS[interpolation])  # fmt: skip


def imshear(
    img: Any, magnitude: float, direction: str = "horizontal", border_value: Any = 0, interpolation: str = "bilinear"
) -> Any:
    """Sheared along an axis."""
    shear = [[1, magnitude, 0], [0, 1, 0]] if direction == "horizontal" else [[1, 0, 0], [magnitude, 1, 0]]
    return _warped(img, shear, border_value, interpolation)


def imtranslate(
    img: Any, offset: float, direction: str = "horizontal", border_value: Any = 0, interpolation: str = "bilinear"
) -> Any:
    """Shifted along an axis by ``offset`` pixels."""
    shift = [[1, 0, offset], [0, 1, 0]] if direction == "horizontal" else [[1, 0, 0], [0, 1, offset]]
    return _warped(img, shift, border_value, interpolation)
