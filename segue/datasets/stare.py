"""STARE: vessels in retinas.

https://cecas.clemson.edu/~ahoover/stare
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


class STAREDataset(BaseSegDataset):
    """Retinal vessels, annotated by Adam Hoover."""

    METAINFO: ClassVar = {"classes": CLASSES, "palette": PALETTE}
    IMG_SUFFIX = ".png"
    SEG_MAP_SUFFIX = ".ah.png"
