"""Nighttime Driving: streets at night, with the classes of Cityscapes.

http://people.ee.ethz.ch/~daid/NightDriving
"""

from __future__ import annotations

from segue.datasets.cityscapes import CityscapesDataset


class NightDrivingDataset(CityscapesDataset):
    """Night-time streets, coarsely annotated."""

    IMG_SUFFIX = "_leftImg8bit.png"
    SEG_MAP_SUFFIX = "_gtCoarse_labelTrainIds.png"
