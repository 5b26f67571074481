"""RandomDepthMix: a strip of the image shows its depth, as VPD trains. https://arxiv.org/abs/2107.07684 (CutDepth)"""

from __future__ import annotations

import numpy as np

from segue.errors import InputError
from segue.transforms.arguments import image_of, is_real, probability, refuse
from segue.types import Sample


class RandomDepthMix:
    """Replace a strip of random place and width, over the full height, by the depth in the units of its file.

    In images of integers depths wrap around at the largest value, as in the reference, by which published models were
    trained: bands of equal depth.

    Takes any number of bands and any dtype.

    Args:
        prob: probability of doing so.
        mix_scale_ratio: largest share that the strip takes of what lies to the right of its left border.
    """

    def __init__(self, prob: float = 0.25, mix_scale_ratio: float = 0.75) -> None:
        self.prob = probability(self, "prob", prob)
        if not is_real(mix_scale_ratio) or not 0 < mix_scale_ratio <= 1:
            raise refuse(self, "mix_scale_ratio", "above 0 and at most 1", mix_scale_ratio)
        self.mix_scale_ratio = mix_scale_ratio

    def __call__(self, sample: Sample) -> Sample:
        """Draw a strip, and paint it."""
        image = image_of(self, sample)
        depth = sample.get("gt_depth_map")
        if depth is None or depth.shape != image.shape[:2]:
            given = None if depth is None else depth.shape
            raise InputError(
                f"RandomDepthMix: needs 'gt_depth_map' of the image's size {image.shape[:2]}, got {given}; put "
                "LoadDepthAnnotation before it"
            )
        if np.random.random() > self.prob:
            return sample
        width = image.shape[1]
        left = int(width * np.random.random())
        across = int(max(1, (width - left) * (self.mix_scale_ratio * np.random.random())))
        strip = slice(None), slice(left, left + across)
        units = depth[strip] / sample.get("depth_rescale_factor", 1)
        if image.dtype.kind in "ui":
            units = units.astype(np.int64)  # then to the image's type by dropping high bits, the same on every machine
        image = image.copy()
        image[strip] = (units if image.ndim == 2 else units[:, :, None]).astype(image.dtype)
        sample["img"] = image
        return sample
