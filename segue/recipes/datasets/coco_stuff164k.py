"""COCO-Stuff, all 164 000 images, 171 classes. https://github.com/nightrome/cocostuff"""

from segue.recipes.data import Data, folders

DATA = Data(
    type="COCOStuffDataset",
    root="data/coco_stuff164k",
    num_classes=171,
    crop=(512, 512),
    wide_scale=True,
    train=folders("images/train2017", "annotations/train2017"),
    val=folders("images/val2017", "annotations/val2017"),
)
