"""Look into Person: parts of the clothed body.

http://www.sysu-hcp.net/lip
"""

from __future__ import annotations

from typing import ClassVar

from segue.datasets.base_seg import BaseSegDataset

# fmt: off
CLASSES = (
    "Background", "Hat", "Hair", "Glove", "Sunglasses", "UpperClothes", "Dress", "Coat", "Socks", "Pants", "Jumpsuits",
    "Scarf", "Skirt", "Face", "Left-arm", "Right-arm", "Left-leg", "Right-leg", "Left-shoe", "Right-shoe",
)
PALETTE = [
    [0, 0, 0], [128, 0, 0], [255, 0, 0], [0, 85, 0], [170, 0, 51], [255, 85, 0], [0, 0, 85], [0, 119, 221], [85, 85, 0],
    [0, 85, 85], [85, 51, 0], [52, 86, 128], [0, 128, 0], [0, 0, 255], [51, 170, 221], [0, 255, 255], [85, 255, 170],
    [170, 255, 85], [255, 255, 0], [255, 170, 0],
]
# fmt: on


class LIPDataset(BaseSegDataset):
    """Body parts and clothes."""

    METAINFO: ClassVar = {"classes": CLASSES, "palette": PALETTE}
