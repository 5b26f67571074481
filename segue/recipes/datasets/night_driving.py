"""Nighttime Driving: Cityscapes' classes at night, for testing. http://people.ee.ethz.ch/~daid/NightDriving"""

from segue.recipes.data import Data, folders

DATA = Data(
    type="NightDrivingDataset",
    root="data/NighttimeDrivingTest/",
    num_classes=19,
    crop=(512, 1024),
    scale=(1920, 1080),
    val=folders("leftImg8bit/test/night", "gtCoarse_daytime_trainvaltest/test/night"),
)
