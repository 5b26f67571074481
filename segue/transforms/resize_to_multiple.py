"""ResizeToMultiple: sizes that a network with a fixed stride divides evenly."""

from __future__ import annotations

from segue.transforms.arguments import image_of, is_int, label_map_of, one_of, refuse
from segue.transforms.resize import resize_array
from segue.types import Sample


class ResizeToMultiple:
    """Enlarge image and label map to the next multiple of ``size_divisor`` in both directions.

    Args:
        size_divisor: pixels.
        interpolation: of the image; None means bilinear.
    """

    def __init__(self, size_divisor: int = 32, interpolation: str | None = None) -> None:
        if not is_int(size_divisor) or size_divisor < 1:
            raise refuse(self, "size_divisor", "a positive integer", size_divisor)
        allowed = ("nearest", "bilinear", "bicubic", "area", "lanczos")
        self.interpolation = one_of(self, "interpolation", interpolation or "bilinear", allowed)
        self.size_divisor = size_divisor

    def __call__(self, sample: Sample) -> Sample:
        """Resize, and record ``img_shape`` and ``pad_shape``."""
        image = image_of(self, sample)
        height, width = (-(-side // self.size_divisor) * self.size_divisor for side in image.shape[:2])
        sample["img"] = resize_array(image, (height, width), self.interpolation)
        sample["img_shape"] = (height, width)
        sample["pad_shape"] = (height, width)
        labels = label_map_of(sample)
        if labels is not None:
            sample["gt_seg_map"] = resize_array(labels, (height, width), "nearest")
        return sample
