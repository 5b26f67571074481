"""CHASE DB1: vessels in retinas of children.

https://researchdata.kingston.ac.uk/96
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


class ChaseDB1Dataset(BaseSegDataset):
    """Retinal vessels, after the first observer."""

    METAINFO: ClassVar = {"classes": CLASSES, "palette": PALETTE}
    IMG_SUFFIX = ".png"
    SEG_MAP_SUFFIX = "_1stHO.png"
