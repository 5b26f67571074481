"""RandomRotate."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from segue.images.read import Array
from segue.transforms.arguments import image_of, is_real, probability, real_pair, refuse
from segue.transforms.fields import maps, pictures
from segue.transforms.resize import Resize
from segue.types import Sample


def rotate_array(
    image: Array,
    degrees: float,
    *,
    fill: float = 0,
    center: tuple[float, float] | None = None,
    whole: bool = False,
    nearest: bool = False,
) -> Array:
    """Rotate (H, W) or (H, W, C) clockwise about ``center`` (x, y), by default the middle.

    ``whole`` enlarges the canvas so that no pixel is lost.
    """
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D(center or ((width - 1) * 0.5, (height - 1) * 0.5), -degrees, 1.0)
    if whole:
        cosine, sine = abs(matrix[0, 0]), abs(matrix[0, 1])
        grown_width, grown_height = height * sine + width * cosine, height * cosine + width * sine
        matrix[0, 2] += (grown_width - width) * 0.5
        matrix[1, 2] += (grown_height - height) * 0.5
        width, height = int(np.round(grown_width)), int(np.round(grown_height))
    flags = cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR
    wide = image.dtype.kind in "bi"  # which OpenCV does not warp; float64 holds every label
    source = image.astype(np.float64) if wide else image
    border = (float(fill),) * 4
    step = 1 if nearest else 4  # nearest pixels of two bands are rounded otherwise than those of one, three or four
    parts = [source] if image.ndim == 2 else [source[:, :, i : i + step] for i in range(0, image.shape[2], step)]
    turned = [cv2.warpAffine(part, matrix, (width, height), flags=flags, borderValue=border) for part in parts]
    if image.ndim == 3:  # OpenCV warps at most four bands, and drops the axis of a single one
        turned = [np.dstack(turned)] if len(turned) > 1 or turned[0].ndim == 2 else turned
    return turned[0].astype(image.dtype, copy=False)


class RandomRotate:
    """Rotate the image and its maps by a random angle.

    Takes any number of bands; uint8, uint16, int16, float32 or float64.

    Args:
        prob: probability of rotating.
        degree: (low, high) of the uniform angle, clockwise; one number d means (-d, d).
        pad_val: what uncovered pixels of the image get.
        seg_pad_val: what uncovered pixels of the label map get.
        center: (x, y) in pixels, by default the middle of the image.
        auto_bound: enlarge the canvas so that nothing is cut off; not together with ``center``.
    """

    DTYPES = Resize.DTYPES
    INSTEAD = Resize.INSTEAD

    def __init__(
        self,
        prob: float,
        degree: float | Sequence[float],
        pad_val: float = 0,
        seg_pad_val: int = 255,
        center: Sequence[float] | None = None,
        auto_bound: bool = False,
    ) -> None:
        self.prob = probability(self, "prob", prob)
        if isinstance(degree, float | int):
            if degree <= 0:
                raise refuse(self, "degree", "positive if it is one number", degree)
            degree = (-degree, degree)
        self.degree = real_pair(self, "degree", degree)
        for name, value in (("pad_val", pad_val), ("seg_pad_val", seg_pad_val)):
            if not is_real(value):
                raise refuse(self, name, "a number", value)
        if center is not None and (len(center) != 2 or not all(is_real(value) for value in center)):
            raise refuse(self, "center", "two numbers (x, y)", center)
        if center is not None and auto_bound:
            raise refuse(self, "auto_bound", "False where center is given", auto_bound)
        self.pad_val = pad_val
        self.seg_pad_val = seg_pad_val
        self.center = None if center is None else (float(center[0]), float(center[1]))
        self.auto_bound = auto_bound

    def __call__(self, sample: Sample) -> Sample:
        """Draw whether and how far to rotate, and rotate."""
        image_of(self, sample)
        rotate = np.random.rand() < self.prob
        degrees = np.random.uniform(*self.degree)
        return self.rotated(sample, degrees) if rotate else sample

    def rotated(self, sample: Sample, degrees: float) -> Sample:
        """Rotate the image and its maps."""
        for key in pictures(sample):
            image = image_of(self, sample, key)
            sample[key] = rotate_array(image, degrees, fill=self.pad_val, center=self.center, whole=self.auto_bound)
        sample["img_shape"] = sample["img"].shape[:2]
        for key, values, empty in maps(sample, self.seg_pad_val):
            sample[key] = rotate_array(
                values, degrees, fill=empty, center=self.center, whole=self.auto_bound, nearest=True
            )
        return sample
