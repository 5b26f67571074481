"""RandomRotFlip: a rotation by a free angle, or else by quarter turns with a flip, as TransUNet trains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segue.transforms.arguments import image_of, is_real, probability, real_pair, refuse
from segue.transforms.fields import maps, pictures
from segue.transforms.random_rotate import rotate_array
from segue.transforms.resize import Resize
from segue.types import Sample


class RandomRotFlip:
    """Rotate by an angle drawn from ``degree``; if not, perhaps turn by quarters and mirror.

    Labels are not interpolated, and uncovered ones are ignored (255); the reference blends class ids and uses 0 there.

    Takes any number of bands; uint8, uint16, int16, float32 or float64.

    Args:
        rotate_prob: probability of the rotation.
        flip_prob: probability of quarter turns and a flip, where there was no rotation.
        degree: (low, high) of the angle, clockwise; one number d means (-d, d).
    """

    DTYPES = Resize.DTYPES
    INSTEAD = Resize.INSTEAD

    def __init__(
        self, rotate_prob: float = 0.5, flip_prob: float = 0.5, degree: float | Sequence[float] = (-20, 20)
    ) -> None:
        self.rotate_prob = probability(self, "rotate_prob", rotate_prob)
        self.flip_prob = probability(self, "flip_prob", flip_prob)
        if is_real(degree):
            if degree <= 0:
                raise refuse(self, "degree", "positive if it is one number", degree)
            degree = (-degree, degree)
        self.degree = real_pair(self, "degree", degree)

    def __call__(self, sample: Sample) -> Sample:
        """Draw and turn."""
        image_of(self, sample)
        rotated = np.random.random() < self.rotate_prob
        if rotated:
            self._rotate(sample)
        if np.random.random() < self.flip_prob and not rotated:  # drawn in any case, as in the reference
            turns, axis = np.random.randint(0, 4), np.random.randint(0, 2)
            for key in (*pictures(sample), *(name for name, _, _ in maps(sample))):
                sample[key] = np.ascontiguousarray(np.flip(np.rot90(sample[key], turns), axis))
            sample["img_shape"] = sample["img"].shape[:2]
        return sample

    def _rotate(self, sample: Sample) -> None:
        degrees = np.random.uniform(*self.degree)
        for key in pictures(sample):
            sample[key] = rotate_array(image_of(self, sample, key), degrees)
        for key, values, empty in maps(sample):
            sample[key] = rotate_array(values, degrees, fill=empty, nearest=True)
