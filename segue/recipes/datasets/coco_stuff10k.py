"""COCO-Stuff, 10 000 images, 171 classes. https://github.com/nightrome/cocostuff10k"""

from segue.recipes.data import Data, folders

DATA = Data(
    type="COCOStuffDataset",
    root="data/coco_stuff10k",
    num_classes=171,
    crop=(512, 512),
    wide_scale=True,
    train=folders("images/train2014", "annotations/train2014", reduce_zero_label=True),
    val=folders("images/test2014", "annotations/test2014", reduce_zero_label=True),
    reduce_zero_label=True,
    iters=40_000,
)
