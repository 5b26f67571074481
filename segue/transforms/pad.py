"""Pad: a common size at the bottom and the right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from segue.images.read import Array
from segue.transforms.arguments import band_count, image_of, int_pair, is_int, is_real, one_of, refuse
from segue.transforms.fields import maps, pictures
from segue.types import Sample, Size

_CV2_BORDERS = {
    "constant": cv2.BORDER_CONSTANT,
    "edge": cv2.BORDER_REPLICATE,
    "reflect": cv2.BORDER_REFLECT_101,
    "symmetric": cv2.BORDER_REFLECT,
}


def pad_array(image: Array, size: Size, value: float | Sequence[float] = 0, mode: str = "constant") -> Array:
    """Add rows below and columns to the right of (H, W) or (H, W, C) up to ``size`` (H, W); larger images stay."""
    bottom, right = (max(size[axis] - image.shape[axis], 0) for axis in (0, 1))
    if not bottom and not right:
        return image
    channels = 1 if image.ndim == 2 else image.shape[2]
    if channels <= 4 and image.dtype.kind in "uif" and image.dtype.itemsize <= 4:
        fill = [float(value)] * 4 if isinstance(value, int | float) else [float(v) for v in value]
        padded = cv2.copyMakeBorder(image, 0, bottom, 0, right, _CV2_BORDERS[mode], value=fill)
        return padded[:, :, None] if image.ndim == 3 and padded.ndim == 2 else padded
    widths = [(0, bottom), (0, right)] + [(0, 0)] * (image.ndim - 2)
    if mode != "constant":
        return np.pad(image, widths, mode="edge" if mode == "edge" else "reflect" if mode == "reflect" else "symmetric")
    padded = np.empty((image.shape[0] + bottom, image.shape[1] + right, *image.shape[2:]), image.dtype)
    padded[:] = value
    padded[: image.shape[0], : image.shape[1]] = image
    return padded


class Pad:
    """Pad the image and its maps at the bottom and the right; records ``pad_shape``, ``img_shape`` and the settings.

    Takes any number of bands and any dtype.

    Args:
        size: (W, H) to reach; an image that is larger in a direction stays as it is there.
        size_divisor: instead, pad to the next multiple.
        pad_to_square: pad to the long side, then to ``size_divisor`` if that is given too.
        pad_val: a number for the image (labels get 255), or dict(img=..., seg=...), where img may have a number
            per channel.
        padding_mode: ``constant``, ``edge``, ``reflect`` or ``symmetric``.
    """

    def __init__(
        self,
        size: Sequence[int] | None = None,
        size_divisor: int | None = None,
        pad_to_square: bool = False,
        pad_val: float | Mapping[str, float | Sequence[float]] = 0,
        padding_mode: str = "constant",
    ) -> None:
        if pad_to_square and size is not None:
            raise refuse(self, "size", "None where pad_to_square is set", size)
        if not pad_to_square and (size is None) == (size_divisor is None):
            raise refuse(self, "size, size_divisor", "given, exactly one of them", (size, size_divisor))
        if size_divisor is not None and (not is_int(size_divisor) or size_divisor < 1):
            raise refuse(self, "size_divisor", "a positive integer", size_divisor)
        values = dict(pad_val) if isinstance(pad_val, Mapping) else {"img": pad_val}
        if not set(values) <= {"img", "seg"}:
            raise refuse(self, "pad_val", "a number or dict(img=..., seg=...)", pad_val)
        fills = values.get("img", 0)
        if not all(is_real(fill) for fill in (fills if isinstance(fills, Sequence) else [fills])):
            raise refuse(self, "pad_val", "numbers", pad_val)
        if not is_int(values.get("seg", 255)):
            raise refuse(self, "pad_val['seg']", "an integer label", values["seg"])
        self.size = None if size is None else int_pair(self, "size", size, "(W, H)")
        self.size_divisor = size_divisor
        self.pad_to_square = pad_to_square
        self.image_fill: float | Sequence[float] = fills
        self.label_fill = int(values.get("seg", 255))  # type: ignore[arg-type]
        self.padding_mode = one_of(self, "padding_mode", padding_mode, _CV2_BORDERS)

    def __call__(self, sample: Sample) -> Sample:
        """Pad as the constructor says."""
        image = image_of(self, sample)
        channels = band_count(image)
        if isinstance(self.image_fill, Sequence) and len(self.image_fill) != channels:
            raise refuse(self, "pad_val['img']", f"{channels} numbers for {channels} channels", self.image_fill)
        target = self._target(image.shape[:2])
        for key in pictures(sample):
            sample[key] = pad_array(sample[key], target, self.image_fill, self.padding_mode)
        padded = sample["img"]
        sample["pad_shape"] = padded.shape
        sample["pad_fixed_size"] = self.size
        sample["pad_size_divisor"] = self.size_divisor
        sample["img_shape"] = padded.shape[:2]
        for key, values, empty in maps(sample, self.label_fill):
            sample[key] = pad_array(values, padded.shape[:2], empty, self.padding_mode)
        return sample

    def _target(self, size: Size) -> Size:
        if self.size is not None:
            return self.size[1], self.size[0]
        height, width = (max(size), max(size)) if self.pad_to_square else size
        divisor = self.size_divisor or 1
        return -(-height // divisor) * divisor, -(-width // divisor) * divisor
