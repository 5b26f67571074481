"""LoveDA: towns and land from the air, 7 classes. https://github.com/Junjue-Wang/LoveDA"""

from segue.recipes.data import Data, folders

DATA = Data(
    type="LoveDADataset",
    root="data/loveDA",
    num_classes=7,
    crop=(512, 512),
    wide_scale=True,
    test_scale=(1024, 1024),
    train=folders("img_dir/train", "ann_dir/train"),
    val=folders("img_dir/val", "ann_dir/val"),
    reduce_zero_label=True,
)
