"""Mapillary Vistas 1.2 without its class Unlabeled: 65 classes."""

from __future__ import annotations

from typing import Any

from segue.recipes.data import Data, folders


def metainfo() -> dict[str, Any]:
    """All classes but the last."""
    from segue.datasets.mapillary import V1_CLASSES, V1_PALETTE

    return dict(classes=V1_CLASSES[:65], palette=V1_PALETTE[:65])


DATA = Data(
    type="MapillaryDataset_v1",
    root="data/mapillary/",
    num_classes=65,
    crop=(512, 1024),
    scale=(2048, 1024),
    train=folders("training/images", "training/v1.2/labels"),
    val=folders("validation/images", "validation/v1.2/labels"),
    metainfo=metainfo,
    batch=2,
    iters=300_000,
)
