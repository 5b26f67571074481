"""Resize, and the interpolation that every resizing transform shares."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image

from segue.errors import InputError
from segue.images.read import Array
from segue.transforms.arguments import image_of, int_pair, is_real, one_of, refuse
from segue.transforms.fields import maps, pictures
from segue.types import Sample, Size

_CV2 = {
    "nearest": cv2.INTER_NEAREST,
    "bilinear": cv2.INTER_LINEAR,
    "bicubic": cv2.INTER_CUBIC,
    "area": cv2.INTER_AREA,
    "lanczos": cv2.INTER_LANCZOS4,
}
_MOST_BANDS = 128  # that OpenCV 5 takes at once; OpenCV 4 takes 512
_PILLOW = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "box": Image.Resampling.BOX,
    "lanczos": Image.Resampling.LANCZOS,
    "hamming": Image.Resampling.HAMMING,
}


def resize_array(image: Array, size: Size, interpolation: str = "bilinear", backend: str = "cv2") -> Array:
    """Resize (H, W) or (H, W, C) to ``size`` (H, W)."""
    if image.shape[:2] == tuple(size):
        return image
    height, width = size
    if image.ndim == 3 and image.shape[2] > _MOST_BANDS:
        parts = [image[:, :, i : i + _MOST_BANDS] for i in range(0, image.shape[2], _MOST_BANDS)]
        return np.dstack([resize_array(np.ascontiguousarray(part), size, interpolation, backend) for part in parts])
    if backend == "pillow":
        if image.dtype != np.uint8 or (image.ndim == 3 and image.shape[2] not in (3, 4)):
            raise InputError(
                f"the backend pillow resizes uint8 images of 1, 3 or 4 bands, this one is {image.dtype} {image.shape}; "
                "leave backend='cv2'"
            )
        return np.array(Image.fromarray(image).resize((width, height), _PILLOW[interpolation]))
    if image.dtype.kind in "bi" and interpolation == "nearest":  # of these OpenCV only knows int16 and int32
        return cv2.resize(image.astype(np.int32), (width, height), interpolation=cv2.INTER_NEAREST).astype(image.dtype)
    resized = cv2.resize(image, (width, height), interpolation=_CV2[interpolation])
    return resized[:, :, None] if image.ndim == 3 and resized.ndim == 2 else resized  # OpenCV drops a single channel


def fit_within(size: Size, scale: tuple[int, int]) -> Size:
    """The largest size of the same aspect whose long side fits max(scale) and whose short side fits min(scale)."""
    height, width = size
    factor = min(max(scale) / max(height, width), min(scale) / min(height, width))
    return int(height * float(factor) + 0.5), int(width * float(factor) + 0.5)


class Resize:
    """Resize the image, and its maps with nearest-neighbour interpolation.

    Takes any number of bands; uint8, uint16, int16, float32 or float64; with ``backend='pillow'`` uint8 of 1, 3 or 4.

    Records ``scale`` (W, H), ``scale_factor`` (W, H), ``img_shape`` (H, W) and ``keep_ratio``.

    Args:
        scale: (W, H) in pixels, or one number for both. With ``keep_ratio`` the image gets the largest size whose long
            side is at most max(scale) and whose short side is at most min(scale), whichever is width or height.
        scale_factor: (W, H) factors, or one for both; used where ``scale`` is None.
        keep_ratio: keep the aspect ratio.
        clip_object_border: accepted for mmseg configs; it concerns boxes, which Segue has none of.
        backend: ``cv2`` or ``pillow``.
        interpolation: ``bilinear``, ``nearest``, ``bicubic``, ``lanczos``, ``area`` (cv2), ``box``, ``hamming``
            (pillow).
    """

    DTYPES = ("uint8", "uint16", "int16", "float32", "float64")  # those that OpenCV interpolates
    INSTEAD = "set to_float32=True where it is loaded"

    def __init__(
        self,
        scale: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
        keep_ratio: bool = False,
        clip_object_border: bool = True,
        backend: str = "cv2",
        interpolation: str = "bilinear",
    ) -> None:
        if scale is None and scale_factor is None:
            raise refuse(self, "scale", "given unless scale_factor is", None)
        self.scale = None if scale is None else int_pair(self, "scale", scale, "(W, H)")
        self.scale_factor = None if scale_factor is None else self._factors(scale_factor)
        self.keep_ratio = keep_ratio
        self.clip_object_border = clip_object_border
        self.backend = one_of(self, "backend", backend, ("cv2", "pillow"))
        self.interpolation = one_of(self, "interpolation", interpolation, _CV2 if backend == "cv2" else _PILLOW)

    def _factors(self, value: float | Sequence[float]) -> tuple[float, float]:
        pair = value if isinstance(value, Sequence) else (value, value)
        if len(pair) != 2 or not all(is_real(v) and v > 0 for v in pair):
            raise refuse(self, "scale_factor", "a positive number or two (W, H)", value)
        return float(pair[0]), float(pair[1])

    def __call__(self, sample: Sample) -> Sample:
        """Resize as the constructor says."""
        return self.resize_to(sample, self.scale)

    def resize_to(self, sample: Sample, scale: tuple[int, int] | None) -> Sample:
        """Resize as if ``scale`` (W, H) were the constructor's."""
        size = self.settle_to(sample, image_of(self, sample).shape[:2], scale)
        for key in pictures(sample):
            sample[key] = resize_array(image_of(self, sample, key), size, self.interpolation, self.backend)
        for key, values, _ in maps(sample):
            backend = self.backend if values.dtype == np.uint8 and values.ndim == 2 else "cv2"
            sample[key] = resize_array(values, self._target(values.shape[:2], sample["scale"]), "nearest", backend)
        return sample

    def settle(self, sample: Sample, size: Size) -> Size:
        """The size that an image of ``size`` (H, W) gets, which is recorded; the image need not be there yet."""
        return self.settle_to(sample, size, self.scale)

    def settle_to(self, sample: Sample, size: Size, scale: tuple[int, int] | None) -> Size:
        """`settle` as if ``scale`` (W, H) were the constructor's."""
        height, width = size
        if scale is None:
            assert self.scale_factor is not None
            scale = int(width * self.scale_factor[0] + 0.5), int(height * self.scale_factor[1] + 0.5)
        sample["scale"] = scale
        target = self._target(size, scale)
        sample["img_shape"] = target
        sample["scale_factor"] = (target[1] / width, target[0] / height)
        sample["keep_ratio"] = self.keep_ratio
        return target

    def _target(self, size: Size, scale: tuple[int, int]) -> Size:
        target = fit_within(size, scale) if self.keep_ratio else (scale[1], scale[0])
        if min(target) < 1:
            raise refuse(self, "scale", f"large enough to leave pixels of an image {size[1]} x {size[0]}", scale)
        return target
