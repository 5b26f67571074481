"""RandomCutOut: rectangles painted over, so that a model does not rely on single places."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segue.images.read import Array
from segue.transforms.arguments import (
    band_count,
    image_of,
    int_pair,
    is_int,
    is_real,
    label_map_of,
    probability,
    refuse,
)
from segue.transforms.fields import pictures
from segue.types import Sample


class RandomCutOut:
    """Paint rectangles whose upper left corners are drawn anywhere in the image; they are cut off at its border.

    Takes any number of bands and any dtype.

    Args:
        prob: probability of painting any.
        n_holes: how many, or (least, most).
        cutout_shape: (W, H) in pixels, or a list of such pairs of which one is drawn per rectangle.
        cutout_ratio: instead, shares of the width and height of the image, or a list of such pairs.
        fill_in: what the image gets: one number for each band; if they are equal, any number of bands will do.
        seg_fill_in: what the label map gets; None leaves it.
    """

    def __init__(
        self,
        prob: float,
        n_holes: int | Sequence[int],
        cutout_shape: Sequence[int | Sequence[int]] | None = None,
        cutout_ratio: Sequence[float | Sequence[float]] | None = None,
        fill_in: Sequence[float] = (0, 0, 0),
        seg_fill_in: int | None = None,
    ) -> None:
        if (cutout_shape is None) == (cutout_ratio is None):
            raise refuse(self, "cutout_shape, cutout_ratio", "given, exactly one of them", (cutout_shape, cutout_ratio))
        if seg_fill_in is not None and (not is_int(seg_fill_in) or not 0 <= seg_fill_in <= 255):
            raise refuse(self, "seg_fill_in", "None or a label from 0 to 255", seg_fill_in)
        if not isinstance(fill_in, Sequence) or not fill_in or not all(is_real(value) for value in fill_in):
            raise refuse(self, "fill_in", "one number per band", fill_in)
        self.prob = probability(self, "prob", prob)
        self.n_holes = int_pair(self, "n_holes", n_holes, "(least, most)", 0)
        if self.n_holes[0] > self.n_holes[1]:
            raise refuse(self, "n_holes", "in ascending order (least, most)", n_holes)
        self.by_ratio = cutout_ratio is not None
        self.candidates = self._pairs(cutout_ratio if cutout_shape is None else cutout_shape)
        self.fill_in = list(fill_in)
        self.seg_fill_in = seg_fill_in

    def _pairs(self, given: object) -> list[tuple[float, float]]:
        name = "cutout_ratio" if self.by_ratio else "cutout_shape"
        pairs = [given] if isinstance(given, Sequence) and given and is_real(given[0]) else given
        if not isinstance(pairs, Sequence) or not pairs:
            raise refuse(self, name, "(W, H) or a list of such pairs", given)
        if not self.by_ratio:
            return [int_pair(self, name, pair, "(W, H)") for pair in pairs]
        for pair in pairs:
            if not isinstance(pair, Sequence) or len(pair) != 2 or not all(is_real(v) and 0 < v <= 1 for v in pair):
                raise refuse(self, name, "shares (W, H) between 0 and 1, or a list of such pairs", given)
        return [(float(pair[0]), float(pair[1])) for pair in pairs]

    def __call__(self, sample: Sample) -> Sample:
        """Draw whether, how many, where and how large; paint."""
        image = image_of(self, sample)
        fill = self._fill(image)
        if np.random.rand() >= self.prob:
            return sample
        height, width = image.shape[:2]
        windows = []
        for _ in range(np.random.randint(self.n_holes[0], self.n_holes[1] + 1)):
            left, top = np.random.randint(0, width), np.random.randint(0, height)
            across, down = self.candidates[np.random.randint(0, len(self.candidates))]
            if self.by_ratio:
                across, down = across * width, down * height
            windows.append((slice(top, top + int(down)), slice(left, left + int(across))))
        for key in pictures(sample):
            sample[key] = sample[key].copy()
            for window in windows:
                sample[key][window] = fill
        labels = label_map_of(sample)
        if labels is not None and self.seg_fill_in is not None:
            sample["gt_seg_map"] = labels.copy()
            for window in windows:
                sample["gt_seg_map"][window] = self.seg_fill_in
        return sample

    def _fill(self, image: Array) -> float | list[float]:
        if len(set(self.fill_in)) == 1:
            return self.fill_in[0]
        if image.ndim == 2 or len(self.fill_in) != image.shape[2]:
            bands = band_count(image)
            raise refuse(self, "fill_in", f"{bands} numbers for an image of {bands} bands", self.fill_in)
        return self.fill_in
