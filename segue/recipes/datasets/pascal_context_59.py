"""PASCAL Context, 59 classes. https://cs.stanford.edu/~roozbeh/pascal-context"""

from segue.recipes.data import Data, folders

DATA = Data(
    type="PascalContextDataset59",
    root="data/VOCdevkit/VOC2010/",
    num_classes=59,
    crop=(480, 480),
    scale=(520, 520),
    train=folders("JPEGImages", "SegmentationClassContext", ann_file="ImageSets/SegmentationContext/train.txt"),
    val=folders("JPEGImages", "SegmentationClassContext", ann_file="ImageSets/SegmentationContext/val.txt"),
    reduce_zero_label=True,
    rate=0.004,
    weight_decay=0.0001,
    slide=True,
)
