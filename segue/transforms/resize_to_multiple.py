"""ResizeToMultiple: sizes that a network with a fixed stride divides evenly."""

from __future__ import annotations

from segue.transforms.arguments import image_of, is_int, one_of, refuse
from segue.transforms.fields import maps, pictures
from segue.transforms.resize import Resize, resize_array
from segue.types import Sample


class ResizeToMultiple:
    """Enlarge the image and its maps to the next multiple of ``size_divisor`` in both directions.

    Takes any number of bands; uint8, uint16, int16, float32 or float64.

    Args:
        size_divisor: pixels.
        interpolation: of the image; None means bilinear.
    """

    DTYPES = Resize.DTYPES
    INSTEAD = Resize.INSTEAD

    def __init__(self, size_divisor: int = 32, interpolation: str | None = None) -> None:
        if not is_int(size_divisor) or size_divisor < 1:
            raise refuse(self, "size_divisor", "a positive integer", size_divisor)
        allowed = ("nearest", "bilinear", "bicubic", "area", "lanczos")
        self.interpolation = interpolation
        self._method = one_of(self, "interpolation", interpolation or "bilinear", allowed)
        self.size_divisor = size_divisor

    def __call__(self, sample: Sample) -> Sample:
        """Resize, and record ``img_shape`` and ``pad_shape``."""
        image = image_of(self, sample)
        height, width = (-(-side // self.size_divisor) * self.size_divisor for side in image.shape[:2])
        for key in pictures(sample):
            sample[key] = resize_array(image_of(self, sample, key), (height, width), self._method)
        sample["img_shape"] = (height, width)
        sample["pad_shape"] = (height, width)
        for key, values, _ in maps(sample):
            sample[key] = resize_array(values, (height, width), "nearest")
        return sample
