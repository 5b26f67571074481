"""RandomCrop: a window that no single class fills."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from segue.images.read import Array
from segue.images.window import Window
from segue.transforms.arguments import ignored_in, image_of, int_pair, is_int, label_map_of, probability, refuse
from segue.transforms.fields import maps, pictures
from segue.types import Sample, Size

_TRIES = 10  # as the reference; after them the last window is taken whatever it shows
_STEP = 16  # of the grid of pixels that shows which classes are large


class RandomCrop:
    """Crop the image and its maps at a random place. An image smaller than the crop keeps its size in that direction.

    Takes any number of bands and any dtype.

    Args:
        crop_size: (H, W), or one number for both.
        cat_max_ratio: draw again, at most ten times, while one class covers this share of the labeled pixels or more;
            1.0 takes the first window.
        ignore_index: label that is not counted, as the files have it.
    """

    def __init__(self, crop_size: int | Sequence[int], cat_max_ratio: float = 1.0, ignore_index: int = 255) -> None:
        self.crop_size = int_pair(self, "crop_size", crop_size, "(H, W)")
        self.cat_max_ratio = probability(self, "cat_max_ratio", cat_max_ratio)
        if not is_int(ignore_index):
            raise refuse(self, "ignore_index", "an integer", ignore_index)
        self.ignore_index = ignore_index

    def __call__(self, sample: Sample) -> Sample:
        """Crop and record ``img_shape``."""
        image = image_of(self, sample)
        labels = label_map_of(sample)
        window = self.choose(image.shape[:2], None if labels is None else labels.__getitem__, sample)
        for key in pictures(sample):
            sample[key] = sample[key][window]
        sample["img_shape"] = sample["img"].shape[:2]
        for key, values, _ in maps(sample):
            sample[key] = values[window]
        return sample

    def choose(self, size: Size, labels_of: Callable[[Window], Array] | None, sample: Sample) -> Window:
        """Draw the window of an image of ``size`` (H, W); ``labels_of`` gives the labels that one shows."""
        window = self._draw(size)
        if self.cat_max_ratio < 1.0 and labels_of is not None:
            ignored = ignored_in(sample, self.ignore_index)
            for _ in range(_TRIES):
                if self._varied(labels_of(window), ignored):
                    break
                window = self._draw(size)
        return window

    def _draw(self, size: Size) -> Window:
        top, left = (np.random.randint(0, max(size[axis] - self.crop_size[axis], 0) + 1) for axis in (0, 1))
        return slice(top, top + self.crop_size[0]), slice(left, left + self.crop_size[1])

    def _varied(self, labels: Array, ignored: int) -> bool:
        """True if two classes or more are seen and the largest has less than its allowed share."""
        if labels.ndim == 2 and labels.dtype == np.uint8:
            return _is_varied(labels, ignored, self.cat_max_ratio)
        counts = _areas(labels, ignored)
        return len(counts) > 1 and counts.max() / counts.sum() < self.cat_max_ratio


def _is_varied(labels: Array, ignore_index: int, ratio: float) -> bool:
    """As `_varied` says, of (H, W) uint8: the large classes are counted until it is clear, which is soon."""
    areas = np.bincount(labels[::_STEP, ::_STEP].ravel(), minlength=256)  # roughly, to find the large ones
    labeled = labels.size
    if 0 <= ignore_index <= 255:
        labeled -= np.count_nonzero(labels == ignore_index)
    uncounted = labeled
    for value in np.argsort(-areas, kind="stable").tolist():  # a numpy integer would make int64 of all labels
        if uncounted == 0:
            break
        if value == ignore_index:
            continue
        area = np.count_nonzero(labels == value)
        if area / labeled >= ratio:
            return False
        uncounted -= area
        if area and uncounted / labeled < ratio:  # no other class can be too large
            return True
    return False


def _areas(labels: Array, ignore_index: int) -> Array:
    """Pixels per class present, without the ignored one; of a stack (H, W, K) those of no class count as one more."""
    if labels.ndim == 3:
        several = np.append((labels == 1).sum(axis=(0, 1)), (labels == 0).all(axis=2).sum())
        return several[several > 0]
    values, counts = np.unique(labels, return_counts=True)
    areas: Array = counts[values != ignore_index]
    return areas
