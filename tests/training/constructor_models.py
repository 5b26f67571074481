"""Small models of the kinds that optimizer constructors know, and the cases that are recorded of mmengine's."""

from __future__ import annotations

import itertools
from typing import Any

import torch
from optimizer_models import PARAMWISE, Model
from torch import nn


class _Vit(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, 4))
        self.pos_embed = nn.Parameter(torch.zeros(1, 5, 4))
        self.patch_embed = nn.Sequential(nn.Conv2d(3, 4, 2))
        self.layers = nn.ModuleList([nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4)) for _ in range(3)])


class BEiT(_Vit):
    pass


class MAE(_Vit):
    pass


class ConvNeXt(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.downsample_layers = nn.ModuleList([nn.Conv2d(3, 4, 1) for _ in range(4)])
        self.stages = nn.ModuleList(
            [nn.Sequential(*[nn.Conv2d(4, 4, 3, groups=4) for _ in range(depth)]) for depth in (1, 2, 7, 1)]
        )
        self.norm0 = nn.LayerNorm(4)


class Segmentor(nn.Module):
    """A backbone with a head."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.decode_head = nn.Sequential(nn.Conv2d(4, 4, 1, bias=False), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1))


def make(kind: str) -> nn.Module:
    """A model by the name of its backbone."""
    return Model() if kind == "plain" else Segmentor({"BEiT": BEiT, "MAE": MAE, "ConvNeXt": ConvNeXt}[kind]())


OPTIMIZERS: list[dict[str, Any]] = [
    {"type": "AdamW", "lr": 6e-5, "betas": (0.9, 0.999), "weight_decay": 0.05},
    {"type": "SGD", "lr": 0.01, "momentum": 0.9, "weight_decay": 0.0005},
]
SCHEDULES: list[list[dict[str, Any]]] = [
    [
        {"type": "LinearLR", "start_factor": 1e-3, "by_epoch": False, "begin": 0, "end": 6},
        {"type": "PolyLR", "power": 0.9, "eta_min": 0.0, "by_epoch": False, "begin": 6, "end": 20},
        {"type": "CosineAnnealingMomentum", "T_max": 20, "eta_min": 0.5, "by_epoch": False, "begin": 0, "end": 20},
    ],
    [{"type": "MultiStepLR", "milestones": [5, 11], "gamma": 0.1, "by_epoch": False, "begin": 0, "end": 20}],
]
DECAY = {"num_layers": 3, "decay_rate": 0.7}
CONVNEXT = {"num_layers": 6, "decay_rate": 0.9}
_KINDS: list[tuple[str, str, dict[str, Any]]] = [
    *(("plain", "DefaultOptimWrapperConstructor", paramwise) for paramwise in PARAMWISE.values()),
    ("plain", "DefaultOptimWrapperConstructor", {"dcn_offset_lr_mult": 0.1, "bypass_duplicate": True}),
    ("plain", "ForceDefaultOptimWrapperConstructor", {**PARAMWISE["keys"], "force_default_settings": True}),
    ("BEiT", "LearningRateDecayOptimizerConstructor", {**DECAY, "decay_type": "layer_wise"}),
    ("MAE", "LearningRateDecayOptimizerConstructor", {**DECAY, "decay_type": "layer_wise"}),
    ("BEiT", "LayerDecayOptimizerConstructor", {"num_layers": 3, "layer_decay_rate": 0.9}),
    (
        "ConvNeXt",
        "LearningRateDecayOptimizerConstructor",
        {"num_layers": 6, "decay_rate": 0.9, "decay_type": "stage_wise"},
    ),
    (
        "ConvNeXt",
        "LearningRateDecayOptimizerConstructor",
        {"num_layers": 6, "decay_rate": 0.9, "decay_type": "layer_wise"},
    ),
]
#: model, constructor, paramwise_cfg, optimizer, schedules
CASES = [
    {"model": model, "constructor": constructor, "paramwise": paramwise, "optimizer": optimizer, "schedule": schedule}
    for (model, constructor, paramwise), optimizer, schedule in itertools.product(_KINDS, (0, 1), (0, 1))
]


def values(optimizer: torch.optim.Optimizer, model: nn.Module) -> dict[str, list[float]]:
    """Rate, momentum and weight decay of each trained parameter now."""
    names = {id(parameter): name for name, parameter in model.named_parameters() if parameter.requires_grad}
    found = {}
    for group in optimizer.param_groups:
        momentum = group["momentum"] if "momentum" in group else group["betas"][0]
        for parameter in group["params"]:
            if id(parameter) in names:
                found[names[id(parameter)]] = [group["lr"], momentum, group["weight_decay"]]
    return found
