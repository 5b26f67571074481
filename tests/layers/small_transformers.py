"""Backbones of every kind of attention, small, for 64 x 64 pixels."""

from __future__ import annotations

from typing import Any

from torch import nn

from segue.config.builder.build import build

_STAGES: dict[str, Any] = {
    "norm_cfg": {"type": "LN"},
    "embed_dims": [16, 16, 32],
    "depths": [1, 1, 1],
    "patch_sizes": [4, 2, 2],
    "strides": [4, 2, 2],
    "mlp_ratios": [2, 2, 2],
    "sr_ratios": [4, 2, 1],
    "num_heads": [1, 1, 2],
    "out_indices": [0, 1, 2],
}
_STAGED = {"embed_dims": 16, "num_heads": [1, 1, 2, 2]}
_PLAIN = {"img_size": 64, "embed_dims": 32, "num_layers": 3, "num_heads": 2, "out_indices": [0, 2]}
_DINO = {"arch": "dinov3-s", "depth": 3, "embed_dim": 32, "num_heads": 2, "init_values": 1.0}
BACKBONES: dict[str, dict[str, Any]] = {
    "dino": {"type": "DinoVisionTransformer", "out_indices": [1, 2], **_DINO},
    "swin": {"type": "SwinTransformer", "depths": [1, 1, 2, 1], "window_size": 4, **_STAGED},
    "mit": {"type": "MixVisionTransformer", "num_layers": [1, 1, 1, 1], **_STAGED},
    "vit": {"type": "VisionTransformer", **_PLAIN},
    "beit": {"type": "BEiT", **_PLAIN},
    "mae": {"type": "MAE", **_PLAIN},
    "pcpvt": {"type": "PCPVT", **_STAGES},
    "svt": {"type": "SVT", "windiow_sizes": [7, 7, 7], **_STAGES},
}


def backbone(name: str, **more: Any) -> nn.Module:
    """One of them, as a config makes it."""
    net: nn.Module = build({"model": {**BACKBONES[name], **more}}, "model", "backbones")
    return net
