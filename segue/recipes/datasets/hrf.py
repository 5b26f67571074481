"""HRF: vessels of the retina, 2 classes."""

from segue.recipes.data import Data, folders

DATA = Data(
    type="HRFDataset",
    root="data/HRF",
    num_classes=2,
    crop=(256, 256),
    scale=(2336, 3504),
    train=folders("images/training", "annotations/training"),
    val=folders("images/validation", "annotations/validation"),
    iters=40_000,
    repeat=40000,
    metric="mDice",
)
