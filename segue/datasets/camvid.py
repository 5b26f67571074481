"""CamVid: 11 classes of streets of Cambridge, in the version of SegNet; 11 in the files means none of them.

http://mi.eng.cam.ac.uk/research/projects/VideoRec/CamVid
"""

from __future__ import annotations

from typing import ClassVar

from segue.datasets.base_seg import BaseSegDataset

# fmt: off
CLASSES = (
    "sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist",
)
PALETTE = [
    [128, 128, 128], [128, 0, 0], [192, 192, 128], [128, 64, 128], [60, 40, 222], [128, 128, 0], [192, 128, 128],
    [64, 64, 128], [64, 0, 128], [64, 64, 0], [0, 128, 192],
]
# fmt: on


class CamVidDataset(BaseSegDataset):
    """Streets; images ``<name>.png`` with labels of the same name, 0..10, and 11 for unlabeled."""

    METAINFO: ClassVar = {"classes": CLASSES, "palette": PALETTE}
    IMG_SUFFIX = ".png"
    IGNORE_INDEX = 11
