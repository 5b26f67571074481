"""Learning rates that shrink towards the input: ``LearningRateDecayOptimizerConstructor`` of ConvNeXt, BEiT and MAE.

Layer ``i`` of ``L`` trains with ``lr * decay_rate ** (L - i - 1)``; biases, norms and other vectors are not decayed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn

from segue.errors import ConfigError, Problem

LAYER_DECAY = ("LearningRateDecayOptimizerConstructor", "LayerDecayOptimizerConstructor")
TOKENS = ("backbone.cls_token", "backbone.mask_token", "backbone.pos_embed")


def convnext_layer(name: str, depth: int) -> int:
    """Layer of a ConvNeXt parameter: the long third stage counts three blocks as one of ``depth`` layers."""
    if name in TOKENS:
        return 0
    parts = name.split(".")
    if name.startswith("backbone.downsample_layers"):
        return (0, 2, 3, depth)[int(parts[2])]
    if name.startswith("backbone.stages"):
        stage = int(parts[2])
        return 3 + int(parts[3]) // 3 if stage == 2 else (1, 2, 0, depth)[stage]
    return depth + 1


def convnext_stage(name: str, layers: int) -> int:
    """Layer of a ConvNeXt parameter when each stage is one layer."""
    if name in TOKENS or name.startswith("backbone.downsample_layers"):
        return 0
    return int(name.split(".")[2]) + 1 if name.startswith("backbone.stages") else layers - 1


def vit_layer(name: str, layers: int) -> int:
    """Layer of a parameter of BEiT or MAE: embeddings are 0, block ``i`` is ``i + 1``, everything after is the last."""
    if name in TOKENS or name.startswith("backbone.patch_embed"):
        return 0
    return int(name.split(".")[2]) + 1 if name.startswith("backbone.layers") else layers - 1


def layer_decay_groups(
    model: nn.Module, paramwise: Mapping[str, Any], lr: float | None, weight_decay: float | None, *, key: str
) -> Iterator[tuple[str, nn.Parameter, dict[str, Any]]]:
    """Every trained parameter's name and its settings, as `segue.training.optimizers.parameter_settings` gives them."""
    rate = paramwise.get("decay_rate", paramwise.get("layer_decay_rate"))
    depth = paramwise.get("num_layers")
    if rate is None or depth is None or lr is None:
        raise ConfigError(Problem(key, "layer decay needs num_layers, decay_rate and the optimizer's lr"))
    layers = int(depth) + 2
    by_stage = paramwise.get("decay_type", "layer_wise") == "stage_wise"
    backbone = type(getattr(model, "backbone", None)).__name__
    convnext = "convnext" in backbone.lower()
    if not convnext and (by_stage or not any(n in backbone.lower() for n in ("beit", "mae", "vit"))):
        raise ConfigError(Problem(key, f"layer decay knows ConvNeXt, BEiT and MAE backbones, not {backbone}"))
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        if not convnext:
            layer = vit_layer(name, layers)
        else:
            layer = convnext_stage(name, layers) if by_stage else convnext_layer(name, int(depth))
        vector = parameter.ndim == 1 or name.endswith(".bias") or name in ("pos_embed", "cls_token")
        scale = rate ** (layers - layer - 1)
        yield name, parameter, {"lr": scale * lr, "weight_decay": 0.0 if vector else weight_decay or 0.0}
