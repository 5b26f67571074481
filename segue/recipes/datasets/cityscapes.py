"""Cityscapes: German streets, 19 classes. https://www.cityscapes-dataset.com"""

from segue.recipes.data import Data, folders

DATA = Data(
    type="CityscapesDataset",
    root="data/cityscapes/",
    num_classes=19,
    crop=(512, 1024),
    scale=(2048, 1024),
    scales={(769, 769): (2049, 1025), (768, 768): (2049, 1025)},
    train=folders("leftImg8bit/train", "gtFine/train"),
    val=folders("leftImg8bit/val", "gtFine/val"),
    batch=2,
    workers=2,
)
