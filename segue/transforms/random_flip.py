"""RandomFlip."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from segue.images.read import Array
from segue.transforms.arguments import image_of, is_int, label_map_of, one_of, probability, refuse
from segue.transforms.fields import maps, pictures
from segue.types import Sample

_AXES = {"horizontal": (1,), "vertical": (0,), "diagonal": (0, 1)}
_CV2_CODES = {"horizontal": 1, "vertical": 0, "diagonal": -1}


def flip_array(image: Array, direction: str) -> Array:
    """Mirror (H, W) or (H, W, C): ``horizontal`` swaps left and right, ``diagonal`` top and bottom too."""
    if image.dtype.kind in "uf" and image.dtype.itemsize <= 4 and (image.ndim == 2 or 1 < image.shape[2] <= 4):
        return cv2.flip(image, _CV2_CODES[direction])  # several times faster than numpy's copy
    return np.ascontiguousarray(np.flip(image, _AXES[direction]))


class RandomFlip:
    """Flip the image and its maps with some probability; records ``flip`` and ``flip_direction`` (None if not flipped).

    Takes any number of bands and any dtype.

    Args:
        prob: probability of flipping, shared evenly by the directions; or one probability per direction.
        direction: ``horizontal``, ``vertical`` or ``diagonal``, or a list of them of which one is drawn.
        swap_seg_labels: pairs of classes that change places in a flip, such as left and right arm.
    """

    def __init__(
        self,
        prob: float | Sequence[float] | None = None,
        direction: str | Sequence[str] = "horizontal",
        swap_seg_labels: Sequence[Sequence[int]] | None = None,
    ) -> None:
        directions = [direction] if isinstance(direction, str) else direction
        if not isinstance(directions, Sequence) or not directions:
            raise refuse(self, "direction", "a direction or a list of them", direction)
        self.directions = [one_of(self, "direction", name, _AXES) for name in directions]
        if isinstance(prob, Sequence):
            if isinstance(prob, str) or len(prob) != len(self.directions):
                raise refuse(self, "prob", f"one probability for each of {self.directions}", prob)
            self.probabilities = [probability(self, "prob", value) for value in prob]
        else:
            share = probability(self, "prob", prob) / len(self.directions)
            self.probabilities = [share] * len(self.directions)
        if sum(self.probabilities) > 1 + 1e-9:
            raise refuse(self, "prob", "at most 1 in total", prob)
        limits = np.cumsum([*self.probabilities, max(1 - sum(self.probabilities), 0.0)])
        self._limits = limits / limits[-1]
        for pair in swap_seg_labels or ():
            if not isinstance(pair, Sequence) or len(pair) != 2 or not all(is_int(value) for value in pair):
                raise refuse(self, "swap_seg_labels", "a list of pairs of class ids", swap_seg_labels)
        self.swap_seg_labels = swap_seg_labels

    def __call__(self, sample: Sample) -> Sample:
        """Draw a direction or none, and flip."""
        image_of(self, sample)
        drawn = int(np.searchsorted(self._limits, np.random.random_sample(), side="right"))  # np.random.choice, faster
        direction = self.directions[drawn] if drawn < len(self.directions) else None
        sample["flip"] = direction is not None
        sample["flip_direction"] = direction
        if direction is None:
            return sample
        for key in pictures(sample):
            sample[key] = flip_array(sample[key], direction)
        for key, values, _ in maps(sample):
            sample[key] = flip_array(values, direction)
        labels = label_map_of(sample)
        if labels is not None:
            sample["gt_seg_map"] = self._swapped(labels)
            sample["swap_seg_labels"] = self.swap_seg_labels
        return sample

    def _swapped(self, labels: Array) -> Array:
        if not self.swap_seg_labels:
            return labels
        swapped: Array = labels.copy()
        for first, second in self.swap_seg_labels:
            if labels.ndim == 3:  # a stack (H, W, K)
                swapped[..., [first, second]] = labels[..., [second, first]]
                continue
            swapped[labels == first] = second
            swapped[labels == second] = first
        return swapped
