"""DRIVE: vessels in retinas.

https://drive.grand-challenge.org
"""

from __future__ import annotations

from typing import ClassVar

from segue.datasets.base_seg import BaseSegDataset

# fmt: off
CLASSES = (
    "background", "vessel",
)
PALETTE = [
    [120, 120, 120], [6, 230, 230],
]
# fmt: on


class DRIVEDataset(BaseSegDataset):
    """Retinal vessels, first manual annotation."""

    METAINFO: ClassVar = {"classes": CLASSES, "palette": PALETTE}
    IMG_SUFFIX = ".png"
    SEG_MAP_SUFFIX = "_manual1.png"
