"""BioMedical3DPad: volumes of a common size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segue.transforms.arguments import is_int, is_real, label_map_of, refuse, volume_of
from segue.types import Sample


class BioMedical3DPad:
    """Pad a volume and its labels on both sides up to ``pad_shape``; larger axes stay. Records ``pad_shape``.

    The reference measures X by Y and drops the labels; here both are padded alike.

    Takes (C, Z, Y, X) of any dtype.

    Args:
        pad_shape: (Z, Y, X) to reach.
        pad_val: what new voxels of the volume get.
        seg_pad_val: what new labels get.
    """

    def __init__(self, pad_shape: Sequence[int], pad_val: float = 0.0, seg_pad_val: int = 0) -> None:
        if (
            not isinstance(pad_shape, Sequence)
            or len(pad_shape) != 3
            or not all(is_int(v) and v > 0 for v in pad_shape)
        ):
            raise refuse(self, "pad_shape", "three positive integers (Z, Y, X)", pad_shape)
        for name, value in (("pad_val", pad_val), ("seg_pad_val", seg_pad_val)):
            if not is_real(value):
                raise refuse(self, name, "a number", value)
        self.pad_shape = tuple(pad_shape)
        self.pad_val = pad_val
        self.seg_pad_val = seg_pad_val

    def __call__(self, sample: Sample) -> Sample:
        """Pad; the smaller half goes before."""
        volume = volume_of(self, sample)
        lacking = [max(goal - length, 0) for goal, length in zip(self.pad_shape, volume.shape[1:], strict=True)]
        widths = [(n // 2, n - n // 2) for n in lacking]
        sample["img"] = np.pad(volume, [(0, 0), *widths], constant_values=self.pad_val)
        sample["pad_shape"] = sample["img"].shape[1:]
        labels = label_map_of(sample)
        if labels is not None:
            sample["gt_seg_map"] = np.pad(labels, widths, constant_values=self.seg_pad_val)
        return sample
