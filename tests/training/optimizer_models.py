"""Small modules whose parameter names and kinds exercise every rule of ``paramwise_cfg``."""

from __future__ import annotations

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 8, 3)
        self.depthwise = nn.Conv2d(8, 8, 3, groups=8)
        self.bn = nn.BatchNorm2d(8)
        self.ln = nn.LayerNorm(8)
        self.gamma = nn.Parameter(torch.ones(8))
        self.frozen = nn.Parameter(torch.ones(3), requires_grad=False)


class Model(nn.Module):
    """A backbone of two blocks, a table of positions and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.ModuleDict({"block0": Block(), "block1": Block()})
        self.absolute_pos_embed = nn.Parameter(torch.zeros(1, 4, 8))
        self.decode_head = nn.Sequential(nn.Conv2d(8, 8, 1, bias=False), nn.GroupNorm(2, 8), nn.Conv2d(8, 3, 1))


PARAMWISE = {
    "none": {},
    "keys": {
        "custom_keys": {
            "backbone": {"lr_mult": 0.1, "decay_mult": 1.0},
            "backbone.block0.bn": {"lr_mult": 0.1, "decay_mult": 0.0},
            "absolute_pos_embed": {"decay_mult": 0.0},
            "head": {"lr_mult": 10.0},
            "bn": {"decay_mult": 0.5},
        },
        "norm_decay_mult": 0.0,
    },
    "kinds": {
        "bias_lr_mult": 2.0,
        "bias_decay_mult": 0.0,
        "norm_decay_mult": 0.25,
        "dwconv_decay_mult": 0.5,
        "flat_decay_mult": 0.75,
    },
    "extra key": {"custom_keys": {"depthwise": {"wd_mult": 0.0}}},
}
