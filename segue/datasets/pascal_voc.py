"""PASCAL VOC 2012: 20 kinds of objects and background; 255 is their outline.

http://host.robots.ox.ac.uk/pascal/VOC/voc2012
"""

from __future__ import annotations

from typing import ClassVar

from segue.datasets.base_seg import BaseSegDataset
from segue.errors import InputError

# fmt: off
CLASSES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable",
    "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)
PALETTE = [
    [0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0], [0, 0, 128], [128, 0, 128], [0, 128, 128], [128, 128, 128],
    [64, 0, 0], [192, 0, 0], [64, 128, 0], [192, 128, 0], [64, 0, 128], [192, 0, 128], [64, 128, 128], [192, 128, 128],
    [0, 64, 0], [128, 64, 0], [0, 192, 0], [128, 192, 0], [0, 64, 128],
]
# fmt: on


class PascalVOCDataset(BaseSegDataset):
    """Objects; needs ``ann_file``, since the folders hold images of other tasks too."""

    METAINFO: ClassVar = {"classes": CLASSES, "palette": PALETTE}

    def full_init(self) -> None:
        """Find the files of the split."""
        if not self.ann_file:
            raise InputError(
                "PascalVOCDataset: ann_file is missing; name a split such as 'ImageSets/Segmentation/train.txt'"
            )
        super().full_init()
