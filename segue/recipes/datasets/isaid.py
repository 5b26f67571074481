"""iSAID: objects from the air, 16 classes. https://captain-whu.github.io/iSAID"""

from segue.recipes.data import Data, folders

DATA = Data(
    type="iSAIDDataset",
    root="data/iSAID",
    num_classes=16,
    crop=(896, 896),
    scale=(896, 896),
    train=folders("img_dir/train", "ann_dir/train"),
    val=folders("img_dir/val", "ann_dir/val"),
)
