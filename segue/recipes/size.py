"""How large a config's model is, without computing values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from segue.config import Config
from segue.config.builder.build import build_model
from segue.errors import ConfigError
from segue.models.complexity import Complexity, measure
from segue.recipes.open import read_config


def model_size(config: str | Path | Config | Mapping[str, Any]) -> Complexity:
    """Parameters and operations of a config's model for one image of its training crop; no values are computed.

    Raises:
        ConfigError: the model cannot be built.
    """
    cfg = read_config(config)
    size = tuple(cfg.get("crop_size") or (512, 512))
    try:
        with torch.device("meta"):
            model = build_model(cfg)
    except (NotImplementedError, ConfigError):  # a constructor that needs values; other problems come again
        model = build_model(cfg).to("meta")
    return measure(model, size, len(cfg.model.data_preprocessor.get("mean", (0, 0, 0))))
