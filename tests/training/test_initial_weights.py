"""What training starts from: weights of other projects are recognized wherever a config may name weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from segue.config import Config
from segue.config.builder.build import build_model
from segue.training.parts import load_initial
from tests.checkpoints.foreign.official import OFFICIAL, values

BACKBONE: dict[str, Any] = {
    "type": "SwinTransformer", "embed_dims": 4, "depths": (2, 2, 2, 2), "num_heads": (1, 1, 1, 1), "window_size": 2,
    "mlp_ratio": 2,
}  # fmt: skip
HEAD = {"type": "FCNHead", "in_channels": 32, "channels": 4, "num_convs": 1, "in_index": 3, "num_classes": 3}


@pytest.mark.parametrize("way", ["pretrained", "init_cfg", "load_from"])
def test_weights_of_another_project(way: str, tmp_path: Path) -> None:
    """Swin as its authors publish it; the log says what was kept, renamed and dropped, and what the model lacks."""
    state = values(OFFICIAL["swin"]())
    file = tmp_path / "swin_tiny.pth"
    backbone = dict(BACKBONE)
    model: dict[str, Any] = {"type": "EncoderDecoder", "backbone": backbone, "decode_head": HEAD}
    cfg: dict[str, Any] = {"model": model}
    if way == "pretrained":
        model["pretrained"] = str(file)
    elif way == "init_cfg":
        backbone["init_cfg"] = {"type": "Pretrained", "checkpoint": str(file)}
    else:
        cfg["load_from"] = str(file)
        state = {f"backbone.{key}": value for key, value in state.items()}
    torch.save({"model": state}, file)
    config = Config(cfg)
    built = build_model(config)
    (said,) = load_initial(built, config)
    assert said.startswith(f"Weights of {file}")
    assert "Converted from Swin weights of its authors or of timm: 4 kept, 115 renamed, 2 dropped." in said
    assert "117 tensors loaded." in said and "norm3.weight" in said  # the stages' norms are the segmentor's own
    own = built.state_dict()["backbone.stages.3.blocks.1.ffn.layers.1.weight"]
    prefix = "backbone." if way == "load_from" else ""
    assert torch.equal(own, state[prefix + "layers.3.blocks.1.mlp.fc2.weight"])
