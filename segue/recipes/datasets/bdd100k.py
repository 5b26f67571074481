"""BDD100K: American streets with Cityscapes' classes. https://www.bdd100k.com"""

from segue.recipes.data import Data, folders

DATA = Data(
    type="BDD100KDataset",
    root="data/bdd100k/",
    num_classes=19,
    crop=(512, 1024),
    scale=(2048, 1024),
    train=folders("images/10k/train", "labels/sem_seg/masks/train"),
    val=folders("images/10k/val", "labels/sem_seg/masks/val"),
    batch=2,
    workers=2,
)
