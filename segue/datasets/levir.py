"""LEVIR-CD: buildings that came or went between two aerial images, 0.5 m.

https://justchenhao.github.io/LEVIR
"""

from __future__ import annotations

from typing import ClassVar

from segue.datasets.base_cd import BaseCDDataset

# fmt: off
CLASSES = (
    "background", "changed",
)
PALETTE = [
    [0, 0, 0], [255, 255, 255],
]
# fmt: on


class LEVIRCDDataset(BaseCDDataset):
    """Changed buildings; label maps of 0 and 1 (``label_map={0: 0, 255: 1}`` reads those of 0 and 255)."""

    METAINFO: ClassVar = {"classes": CLASSES, "palette": PALETTE}
    IMG_SUFFIX = ".png"
    IMG_SUFFIX2 = ".png"
