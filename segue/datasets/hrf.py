"""HRF: vessels in high-resolution retinas.

https://www5.cs.fau.de/research/data/fundus-images
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


class HRFDataset(BaseSegDataset):
    """Retinal vessels."""

    METAINFO: ClassVar = {"classes": CLASSES, "palette": PALETTE}
    IMG_SUFFIX = ".png"
