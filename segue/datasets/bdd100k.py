"""BDD100K: streets of the USA, with the classes of Cityscapes.

https://doc.bdd100k.com
"""

from __future__ import annotations

from segue.datasets.cityscapes import CityscapesDataset


class BDD100KDataset(CityscapesDataset):
    """Streets."""

    IMG_SUFFIX = ".jpg"
    SEG_MAP_SUFFIX = ".png"
