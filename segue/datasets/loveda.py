"""LoveDA: land cover of rural and urban China, 0.3 m.

https://github.com/Junjue-Wang/LoveDA
"""

from __future__ import annotations

from typing import ClassVar

from segue.datasets.base_seg import BaseSegDataset

# fmt: off
CLASSES = (
    "background", "building", "road", "water", "barren", "forest", "agricultural",
)
PALETTE = [
    [255, 255, 255], [255, 0, 0], [255, 255, 0], [0, 0, 255], [159, 129, 183], [0, 255, 0], [255, 195, 128],
]
# fmt: on


class LoveDADataset(BaseSegDataset):
    """Land cover; labels 1..7, and 0 for no data."""

    METAINFO: ClassVar = {"classes": CLASSES, "palette": PALETTE}
    IMG_SUFFIX = ".png"
    REDUCE_ZERO_LABEL = True
