"""RandomMosaic: four images around a point, as YOLOv4 trains. https://arxiv.org/abs/2004.10934"""

from __future__ import annotations

from collections.abc import Sequence, Sized

import numpy as np

from segue.errors import InputError
from segue.images.read import Array
from segue.transforms.arguments import band_count, image_of, int_pair, is_real, probability, real_pair, refuse
from segue.transforms.fields import maps
from segue.transforms.resize import Resize, resize_array
from segue.types import Sample, Size

Window = tuple[slice, slice]


class RandomMosaic:
    """Scale four images to fit ``img_scale`` and lay them around a random centre of a canvas of twice that size.

    It works in the pipeline of a `MultiImageMixDataset`, which gives it three more samples as ``mix_results``. Records
    ``img_shape`` and ``ori_shape``.

    Takes any number of bands, the same in all four; uint8, uint16, int16, float32 or float64.

    Args:
        prob: probability of doing so.
        img_scale: (H, W) of a quarter of the canvas.
        center_ratio_range: (low, high) of the centre, in units of ``img_scale``.
        pad_val: what uncovered pixels of the image get.
        seg_pad_val: what uncovered labels get.
    """

    DTYPES = Resize.DTYPES
    INSTEAD = Resize.INSTEAD

    def __init__(
        self,
        prob: float,
        img_scale: Sequence[int] = (640, 640),
        center_ratio_range: Sequence[float] = (0.5, 1.5),
        pad_val: float = 0,
        seg_pad_val: int = 255,
    ) -> None:
        self.prob = probability(self, "prob", prob)
        self.img_scale = int_pair(self, "img_scale", img_scale, "(H, W)")
        self.center_ratio_range = real_pair(self, "center_ratio_range", center_ratio_range)
        if self.center_ratio_range[0] < 0 or self.center_ratio_range[1] > 2:
            raise refuse(self, "center_ratio_range", "within 0..2, the canvas", center_ratio_range)
        for name, value in (("pad_val", pad_val), ("seg_pad_val", seg_pad_val)):
            if not is_real(value):
                raise refuse(self, name, "a number", value)
        self.pad_val = pad_val
        self.seg_pad_val = seg_pad_val

    def get_indices(self, dataset: Sized) -> list[int]:
        """Which three samples to mix in."""
        return [int(np.random.randint(0, len(dataset))) for _ in range(3)]

    def __call__(self, sample: Sample) -> Sample:
        """Draw whether and around which point; compose."""
        image = image_of(self, sample)
        if np.random.rand() >= self.prob:
            return sample
        others = sample.get("mix_results")
        if not isinstance(others, Sequence) or len(others) != 3:
            raise InputError("RandomMosaic: needs three more samples; use it in the pipeline of MultiImageMixDataset")
        four = [sample, *others]
        pictures = [image_of(self, each) for each in four]
        if any(band_count(other) != band_count(image) or other.dtype != image.dtype for other in pictures):
            kinds = [f"{other.dtype} {other.shape}" for other in pictures]
            raise InputError(f"RandomMosaic: the four images differ in bands or dtype: {kinds}")
        column = int(np.random.uniform(*self.center_ratio_range) * self.img_scale[1])
        row = int(np.random.uniform(*self.center_ratio_range) * self.img_scale[0])
        mixed = {"img": self._compose(pictures, (row, column), self.pad_val, "bilinear")}
        for key, _, empty in maps(sample, self.seg_pad_val):
            lacking = [str(each.get("img_path")) for each in four if key not in each]
            if lacking:
                raise InputError(f"RandomMosaic: no {key!r} in {', '.join(lacking)}, but in {sample.get('img_path')}")
            mixed[key] = self._compose([each[key] for each in four], (row, column), empty, "nearest")
        sample.update(mixed)
        sample["img_shape"] = sample["ori_shape"] = sample["img"].shape[:2]
        return sample

    def _compose(self, four: Sequence[Array], center: Size, empty: float, interpolation: str) -> Array:
        height, width = self.img_scale
        canvas = np.full((2 * height, 2 * width, *four[0].shape[2:]), empty, four[0].dtype)
        for index, part in enumerate(four):
            factor = min(height / part.shape[0], width / part.shape[1])
            size = max(int(part.shape[0] * factor), 1), max(int(part.shape[1] * factor), 1)
            rows = _along(center[0], size[0], canvas.shape[0], index < 2)
            columns = _along(center[1], size[1], canvas.shape[1], index % 2 == 0)
            canvas[rows[0], columns[0]] = resize_array(part, size, interpolation)[rows[1], columns[1]]
        return canvas


def _along(center: int, length: int, canvas: int, before: bool) -> Window:
    """Along one axis, where a part that ends (``before``) or begins at ``center`` lies, and what of it is seen."""
    if before:
        start = max(center - length, 0)
        return slice(start, center), slice(length - (center - start), length)
    stop = min(center + length, canvas)
    return slice(center, stop), slice(0, stop - center)
