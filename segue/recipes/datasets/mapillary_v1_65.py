"""Mapillary Vistas 1.2 without its class Unlabeled: 65 classes."""

from __future__ import annotations

from segue.datasets.mapillary import V1_CLASSES, V1_PALETTE
from segue.recipes.data import Data, folders

META = dict(classes=V1_CLASSES[:65], palette=V1_PALETTE[:65])
DATA = Data(
    type="MapillaryDataset_v1",
    root="data/mapillary/",
    num_classes=65,
    crop=(512, 1024),
    scale=(2048, 1024),
    train=folders("training/images", "training/v1.2/labels", metainfo=META),
    val=folders("validation/images", "validation/v1.2/labels", metainfo=META),
    batch=2,
    iters=300_000,
)
