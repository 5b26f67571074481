"""REFUGE: optic disc and cup in retinas.

https://refuge.grand-challenge.org
"""

from __future__ import annotations

from typing import ClassVar

from segue.datasets.base_seg import BaseSegDataset

# fmt: off
CLASSES = (
    "background", " Optic Cup", "Optic Disc",
)
PALETTE = [
    [120, 120, 120], [6, 230, 230], [56, 59, 120],
]
# fmt: on


class REFUGEDataset(BaseSegDataset):
    """Optic disc and cup."""

    METAINFO: ClassVar = {"classes": CLASSES, "palette": PALETTE}
    IMG_SUFFIX = ".png"
