"""BioMedical3DRandomCrop: a block of a volume."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segue.images.read import Array
from segue.transforms.arguments import is_int, label_map_of, refuse, volume_of
from segue.types import Sample


class BioMedical3DRandomCrop:
    """Crop a volume and its labels. A volume smaller than the crop keeps its size along that axis.

    With ``keep_foreground`` a class other than 0 is drawn, then a voxel of it, and the block is drawn among those that
    hold this voxel. (In the reference the block ends up anywhere before the voxel and often misses it.)

    Takes (C, Z, Y, X) of any dtype.

    Args:
        crop_shape: (Z, Y, X), or one number for all three.
        keep_foreground: see above; a volume without foreground is cropped anywhere.
    """

    def __init__(self, crop_shape: int | Sequence[int], keep_foreground: bool = True) -> None:
        shape = (crop_shape,) * 3 if is_int(crop_shape) else crop_shape
        if not isinstance(shape, Sequence) or len(shape) != 3 or not all(is_int(v) and v > 0 for v in shape):
            raise refuse(self, "crop_shape", "a positive integer or three (Z, Y, X)", crop_shape)
        self.crop_shape = tuple(int(v) for v in shape)
        self.keep_foreground = keep_foreground

    def __call__(self, sample: Sample) -> Sample:
        """Draw a block, and crop; records ``img_shape``."""
        volume = volume_of(self, sample)
        labels = label_map_of(sample)
        voxel = _foreground_voxel(labels) if self.keep_foreground and labels is not None else None
        block: tuple[slice, ...] = ()
        for axis, (length, crop) in enumerate(zip(volume.shape[1:], self.crop_shape, strict=True)):
            last = max(length - crop, 0)
            first = 0
            if voxel is not None:
                first, last = max(int(voxel[axis]) - crop + 1, 0), min(int(voxel[axis]), last)
            start = int(np.random.randint(first, last + 1))
            block += (slice(start, start + crop),)
        every: tuple[slice, ...] = (slice(None), *block)
        sample["img"] = volume[every]
        sample["img_shape"] = sample["img"].shape[1:]
        if labels is not None:
            sample["gt_seg_map"] = labels[block]
        return sample


def _foreground_voxel(labels: Array) -> tuple[int, ...] | None:
    """(z, y, x) of a voxel of a class other than 0, all classes equally likely; None where there is none."""
    classes = [value for value in np.unique(labels) if value != 0]
    if not classes:
        return None
    places = np.flatnonzero(labels == classes[np.random.randint(len(classes))])
    return tuple(int(i) for i in np.unravel_index(places[np.random.randint(len(places))], labels.shape))
