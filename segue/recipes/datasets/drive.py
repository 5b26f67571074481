"""DRIVE: vessels of the retina, 2 classes."""

from segue.recipes.data import Data, folders

DATA = Data(
    type="DRIVEDataset",
    root="data/DRIVE",
    num_classes=2,
    crop=(64, 64),
    scale=(584, 565),
    train=folders("images/training", "annotations/training"),
    val=folders("images/validation", "annotations/validation"),
    iters=40_000,
    repeat=40000,
    metric="mDice",
)
