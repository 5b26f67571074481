"""Cityscapes: 19 classes of German streets, labels from ``*_labelTrainIds.png``.

https://www.cityscapes-dataset.com
"""

from __future__ import annotations

from typing import ClassVar

from segue.datasets.base_seg import BaseSegDataset

# fmt: off
CLASSES = (
    "road", "sidewalk", "building", "wall", "fence", "pole", "traffic light", "traffic sign", "vegetation", "terrain",
    "sky", "person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle",
)
PALETTE = [
    [128, 64, 128], [244, 35, 232], [70, 70, 70], [102, 102, 156], [190, 153, 153], [153, 153, 153], [250, 170, 30],
    [220, 220, 0], [107, 142, 35], [152, 251, 152], [70, 130, 180], [220, 20, 60], [255, 0, 0], [0, 0, 142], [0, 0, 70],
    [0, 60, 100], [0, 80, 100], [0, 0, 230], [119, 11, 32],
]
# fmt: on


class CityscapesDataset(BaseSegDataset):
    """Streets; images ``<name>_leftImg8bit.png``, labels ``<name>_gtFine_labelTrainIds.png``."""

    METAINFO: ClassVar = {"classes": CLASSES, "palette": PALETTE}
    IMG_SUFFIX = "_leftImg8bit.png"
    SEG_MAP_SUFFIX = "_gtFine_labelTrainIds.png"
