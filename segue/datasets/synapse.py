"""Synapse: abdominal organs in CT slices.

https://www.synapse.org/Synapse:syn3193805
"""

from __future__ import annotations

from typing import ClassVar

from segue.datasets.base_seg import BaseSegDataset

# fmt: off
CLASSES = (
    "background", "aorta", "gallbladder", "left_kidney", "right_kidney", "liver", "pancreas", "spleen", "stomach",
)
PALETTE = [
    [0, 0, 0], [0, 0, 255], [0, 255, 0], [255, 0, 0], [0, 255, 255], [255, 0, 255], [255, 255, 0], [60, 255, 255],
    [240, 240, 240],
]
# fmt: on


class SynapseDataset(BaseSegDataset):
    """Abdominal organs."""

    METAINFO: ClassVar = {"classes": CLASSES, "palette": PALETTE}
