"""ADE20K: scenes of all kinds, 150 classes. https://groups.csail.mit.edu/vision/datasets/ADE20K"""

from segue.recipes.data import Data, folders

DATA = Data(
    type="ADE20KDataset",
    root="data/ade/ADEChallengeData2016",
    num_classes=150,
    crop=(512, 512),
    wide_scale=True,
    train=folders("images/training", "annotations/training"),
    val=folders("images/validation", "annotations/validation"),
    reduce_zero_label=True,
    iters=160_000,
)
