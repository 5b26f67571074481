"""REFUGE: the optic disc and cup, 3 classes. https://refuge.grand-challenge.org"""

from segue.recipes.data import Data, folders

DATA = Data(
    type="REFUGEDataset",
    root="data/REFUGE",
    num_classes=3,
    crop=(512, 512),
    scale=(2056, 2124),
    test_scale=(1634, 1634),
    train=folders("images/training", "annotations/training"),
    val=folders("images/validation", "annotations/validation"),
    test=folders("images/test", "annotations/test"),
    reduce_zero_label=False,
    metric="mDice",
)
