"""Mapillary Vistas 1.2: streets of the world, 66 classes. https://www.mapillary.com/dataset/vistas"""

from segue.recipes.data import Data, folders

DATA = Data(
    type="MapillaryDataset_v1",
    root="data/mapillary/",
    num_classes=66,
    crop=(512, 1024),
    scale=(2048, 1024),
    train=folders("training/images", "training/v1.2/labels"),
    val=folders("validation/images", "validation/v1.2/labels"),
    batch=2,
    iters=240_000,
)
