"""SegRescale: smaller label maps, for losses at a lower resolution."""

from __future__ import annotations

from segue.transforms.arguments import image_of, is_real, refuse
from segue.transforms.fields import maps
from segue.transforms.resize import resize_array
from segue.types import Sample


class SegRescale:
    """Resize the maps, but not the image, by a factor.

    Takes any image.

    Args:
        scale_factor: of width and height.
    """

    def __init__(self, scale_factor: float = 1) -> None:
        if not is_real(scale_factor) or scale_factor <= 0:
            raise refuse(self, "scale_factor", "a positive number", scale_factor)
        self.scale_factor = float(scale_factor)

    def __call__(self, sample: Sample) -> Sample:
        """Resize the maps."""
        image_of(self, sample)
        for key, values, _ in maps(sample):
            size = tuple(int(side * self.scale_factor + 0.5) for side in values.shape[:2])
            if min(size) < 1:
                raise refuse(self, "scale_factor", f"large enough for a map {values.shape[:2]}", self.scale_factor)
            sample[key] = resize_array(values, (size[0], size[1]), "nearest")
        return sample
