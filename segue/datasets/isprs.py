"""ISPRS Vaihingen: aerial images of a town.

https://www.isprs.org/education/benchmarks/UrbanSemLab
"""

from __future__ import annotations

from typing import ClassVar

from segue.datasets.base_seg import BaseSegDataset

# fmt: off
CLASSES = (
    "impervious_surface", "building", "low_vegetation", "tree", "car", "clutter",
)
PALETTE = [
    [255, 255, 255], [0, 0, 255], [0, 255, 255], [0, 255, 0], [255, 255, 0], [255, 0, 0],
]
# fmt: on


class ISPRSDataset(BaseSegDataset):
    """Vaihingen, cut into tiles; 0 is the border between objects."""

    METAINFO: ClassVar = {"classes": CLASSES, "palette": PALETTE}
    IMG_SUFFIX = ".png"
    REDUCE_ZERO_LABEL = True
