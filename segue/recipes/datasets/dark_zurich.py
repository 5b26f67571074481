"""Dark Zurich: Cityscapes' classes at night, for testing. https://www.trace.ethz.ch/publications/2019/GCMA_UIoU"""

from segue.recipes.data import Data, folders

DATA = Data(
    type="DarkZurichDataset",
    root="data/dark_zurich/",
    num_classes=19,
    crop=(512, 1024),
    scale=(1920, 1080),
    val=folders("rgb_anon/val/night/GOPR0356", "gt/val/night/GOPR0356"),
)
