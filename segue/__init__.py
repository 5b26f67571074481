"""Segue: semantic segmentation in PyTorch. Nothing is imported before it is used.

``train`` and ``export`` are rooms of the package, so the functions of these names are ``segue.api.train`` and so on.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segue.api import evaluate as evaluate
    from segue.api import load as load
    from segue.api import predict as predict
    from segue.config import Config as Config
    from segue.config.builder.register import register as register
    from segue.inference.predictor import Prediction as Prediction
    from segue.inference.predictor import Predictor as Predictor

__version__ = "0.1.0"

_HOMES = {
    "load": "segue.api",
    "predict": "segue.api",
    "evaluate": "segue.api",
    "Config": "segue.config",
    "register": "segue.config.builder.register",
    "Predictor": "segue.inference.predictor",
    "Prediction": "segue.inference.predictor",
}
__all__ = ["__version__", "api", *_HOMES]


def __getattr__(name: str) -> Any:
    if name == "api":
        return importlib.import_module("segue.api")
    if name not in _HOMES:
        raise AttributeError(f"module 'segue' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
