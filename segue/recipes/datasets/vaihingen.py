"""ISPRS Vaihingen: a town from the air, 6 classes. https://www.isprs.org/resources/datasets/benchmarks/UrbanSemLab"""

from segue.recipes.data import Data, folders

DATA = Data(
    type="ISPRSDataset",
    root="data/vaihingen",
    num_classes=6,
    crop=(512, 512),
    scale=(512, 512),
    train=folders("img_dir/train", "ann_dir/train"),
    val=folders("img_dir/val", "ann_dir/val"),
    reduce_zero_label=True,
)
