"""Weights that training starts from have the reference's distributions.

``first_weights.json.gz`` says for tensors of 8 values and more what mmseg 1.2.2 with mmengine 0.10.7 draws
(``MODELS.build(cfg.model)``, ``init_weights()``, no pretrained weights): their one value, or mean and deviation.
"""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from segue.config.builder.build import build_model
from segue.recipes.open import read_config
from segue.training.parts import initialize

FACTS: dict[str, dict[str, Any]] = json.loads(
    gzip.decompress((Path(__file__).parent / "data" / "first_weights.json.gz").read_bytes())
)
#: what the reference leaves as PyTorch makes it, because it does not reach heads in a list (docs/differences.md)
LISTED = ("auxiliary_head.0.", "auxiliary_head.1.", "auxiliary_head.2.", "auxiliary_head.3.", "decode_head.0.")
LISTED += ("decode_head.1.", "decode_head.kernel_update_head.")


def as_drawn(given: Tensor, expected: float | list[float]) -> bool:
    """Whether ``given`` may be drawn from what the reference drew from; its recorded deviation is of a draw as well."""
    if not isinstance(expected, list):
        return bool((given == expected).all())
    mean, deviation = expected
    several = 6 / math.sqrt(given.numel())
    near = abs(given.std().item() - deviation) <= (several + 0.02) * deviation  # 2 %: it draws a 2.0 now and then
    return near and abs(given.mean().item() - mean) <= 1.5 * several * deviation + 0.1 * abs(mean)


@pytest.mark.slow
@pytest.mark.parametrize("name", FACTS)
def test_distributions(name: str) -> None:
    torch.manual_seed(3)
    model = build_model(read_config(name, ["model.pretrained=None", "model.backbone.init_cfg=None"]))
    initialize(model)
    own = {key: value for key, value in model.state_dict().items() if key in FACTS[name]}
    assert own.keys() == FACTS[name].keys()
    others = [key for key, value in own.items() if not as_drawn(value, FACTS[name][key])]
    assert [key for key in others if not key.startswith(LISTED)] == []
    for key in others:  # as a head that is alone starts
        if key.endswith(("conv_seg.weight", "fc_seg.weight")):
            assert 0.009 < own[key].std() < 0.011
        elif key.endswith("bias"):
            assert not own[key].any()
        else:  # Xavier's uniform distribution
            assert ".kernel_update_head." in key
            assert as_drawn(own[key], [0.0, math.sqrt(2 / sum(own[key].shape[:2]))]), key
