"""Segue: semantic segmentation in PyTorch. Nothing is imported before it is used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from segue.version import __version__

if TYPE_CHECKING:
    from segue import api as api
    from segue.api import check as check
    from segue.api import evaluate as evaluate
    from segue.api import load as load
    from segue.api import migrate as migrate
    from segue.api import model as model
    from segue.api import models as models
    from segue.api import pack as pack
    from segue.api import predict as predict
    from segue.api import predict_scene as predict_scene
    from segue.api import pull as pull
    from segue.api import push as push
    from segue.api import score as score
    from segue.api import train as train
    from segue.config import Config as Config
    from segue.config.builder.register import register as register
    from segue.inference.predictor import Prediction as Prediction
    from segue.inference.predictor import Predictor as Predictor

_HOMES = {
    **dict.fromkeys(
        (
            *("check", "evaluate", "load", "migrate", "model", "pack", "predict", "predict_scene", "pull", "push"),
            *("score", "train"),
        ),
        "segue.api",
    ),
    "Config": "segue.config",
    "register": "segue.config.builder.register",
    "Predictor": "segue.inference.predictor",
    "Prediction": "segue.inference.predictor",
}
__all__ = ["__version__", "api", "models", *_HOMES]


def __getattr__(name: str) -> Any:
    if name in ("api", "models"):  # models is a room that is called, too
        return importlib.import_module(f"segue.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'segue' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
