"""Mapillary Vistas 2.0: streets of the world, 124 classes. https://www.mapillary.com/dataset/vistas"""

from segue.recipes.data import Data, folders

DATA = Data(
    type="MapillaryDataset_v2",
    root="data/mapillary/",
    num_classes=124,
    crop=(512, 1024),
    scale=(2048, 1024),
    train=folders("training/images", "training/v2.0/labels"),
    val=folders("validation/images", "validation/v2.0/labels"),
    batch=2,
    iters=240_000,
)
