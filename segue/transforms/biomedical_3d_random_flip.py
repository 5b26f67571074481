"""BioMedical3DRandomFlip: mirrored volumes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segue.transforms.arguments import is_int, label_map_of, probability, refuse, volume_of
from segue.types import Sample


class BioMedical3DRandomFlip:
    """Mirror a volume and its labels along each of ``axes`` with some probability, independently.

    Records ``do_flip``, whether Z, Y and X were mirrored, and ``flip_axes``; a sample that has ``do_flip`` is mirrored
    in that way.

    Takes (C, Z, Y, X) of any dtype.

    Args:
        prob: probability, per axis.
        axes: of 0 (Z), 1 (Y) and 2 (X).
        swap_label_pairs: pairs of classes that change places whenever the sample passes, such as left and right.
    """

    def __init__(
        self, prob: float, axes: Sequence[int] | None, swap_label_pairs: Sequence[Sequence[int]] | None = None
    ) -> None:
        self.prob = probability(self, "prob", prob)
        if axes is not None and not all(is_int(axis) and 0 <= axis <= 2 for axis in axes):
            raise refuse(self, "axes", "among 0 (Z), 1 (Y), 2 (X)", axes)
        for pair in swap_label_pairs or ():
            if not isinstance(pair, Sequence) or len(pair) != 2 or not all(is_int(value) for value in pair):
                raise refuse(self, "swap_label_pairs", "a list of pairs of class ids", swap_label_pairs)
        self.axes = None if axes is None else tuple(axes)
        self.swap_label_pairs = swap_label_pairs

    def __call__(self, sample: Sample) -> Sample:
        """Draw the axes, and mirror."""
        volume = volume_of(self, sample)
        if "do_flip" not in sample:
            axes = self.axes or ()
            sample["do_flip"] = tuple(axis in axes and bool(np.random.rand() < self.prob) for axis in range(3))
        sample.setdefault("flip_axes", self.axes)
        flipped = tuple(axis for axis in range(3) if sample["do_flip"][axis])
        sample["img"] = np.ascontiguousarray(np.flip(volume, tuple(axis + 1 for axis in flipped)))
        labels = label_map_of(sample)
        if labels is not None:
            mirrored = np.ascontiguousarray(np.flip(labels, flipped))
            sample["gt_seg_map"] = swapped = mirrored.copy()
            for first, second in self.swap_label_pairs or ():
                swapped[mirrored == first] = second
                swapped[mirrored == second] = first
        return sample
