"""PASCAL Context, 60 classes. https://cs.stanford.edu/~roozbeh/pascal-context"""

from segue.recipes.data import Data, folders

DATA = Data(
    type="PascalContextDataset",
    root="data/VOCdevkit/VOC2010/",
    num_classes=60,
    crop=(480, 480),
    scale=(520, 520),
    train=folders("JPEGImages", "SegmentationClassContext", ann_file="ImageSets/SegmentationContext/train.txt"),
    val=folders("JPEGImages", "SegmentationClassContext", ann_file="ImageSets/SegmentationContext/val.txt"),
    rate=0.004,
    weight_decay=0.0001,
    slide=True,
    tta=False,
)
