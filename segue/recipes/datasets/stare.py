"""STARE: vessels of the retina, 2 classes."""

from segue.recipes.data import Data, folders

DATA = Data(
    type="STAREDataset",
    root="data/STARE",
    num_classes=2,
    crop=(128, 128),
    scale=(605, 700),
    train=folders("images/training", "annotations/training"),
    val=folders("images/validation", "annotations/validation"),
    iters=40_000,
    repeat=40000,
    metric="mDice",
)
