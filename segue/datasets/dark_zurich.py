"""Dark Zurich: streets at night, with the classes of Cityscapes.

https://www.trace.ethz.ch/publications/2019/GCMA_UIoU
"""

from __future__ import annotations

from segue.datasets.cityscapes import CityscapesDataset


class DarkZurichDataset(CityscapesDataset):
    """Night-time streets."""

    IMG_SUFFIX = "_rgb_anon.png"
    SEG_MAP_SUFFIX = "_gt_labelTrainIds.png"
