"""PASCAL VOC 2012, 21 classes. http://host.robots.ox.ac.uk/pascal/VOC"""

from segue.recipes.data import Data, folders

DATA = Data(
    type="PascalVOCDataset",
    root="data/VOCdevkit/VOC2012",
    num_classes=21,
    crop=(512, 512),
    wide_scale=True,
    train=folders("JPEGImages", "SegmentationClass", ann_file="ImageSets/Segmentation/train.txt"),
    val=folders("JPEGImages", "SegmentationClass", ann_file="ImageSets/Segmentation/val.txt"),
    iters=40_000,
    pad=True,
)
