"""Weights that networks start from when no pretrained ones are loaded."""

from __future__ import annotations

import math

from torch import Tensor, nn


def initialize_transformer(module: nn.Module, *, std: float = 0.02) -> None:
    """Linear layers from a normal distribution cut at 2 (bias 0), convolutions by their fan-out, norms to identity.

    As in the official code of SegFormer, PVT, Twins and SegNeXt. The joint projection of queries, keys and values is
    no linear *layer* and keeps the Xavier weights that it is made with.
    """
    for child in module.modules():
        if isinstance(child, nn.Linear):
            nn.init.trunc_normal_(child.weight, std=std)
            zero(child.bias)
        elif isinstance(child, nn.Conv2d):
            fan_out = child.kernel_size[0] * child.kernel_size[1] * child.out_channels // child.groups
            nn.init.normal_(child.weight, std=math.sqrt(2.0 / fan_out))
            zero(child.bias)


def initialize_plain_transformer(module: nn.Module) -> None:
    """The start of ViT: as above, but convolutions by their fan-in and the biases of the MLPs almost zero."""
    for name, child in module.named_modules():
        if isinstance(child, nn.Linear):
            nn.init.trunc_normal_(child.weight, std=0.02)
            if child.bias is not None:
                nn.init.normal_(child.bias, std=1e-6 if ".ffn." in f".{name}." else 0.0)
        elif isinstance(child, nn.Conv2d):
            nn.init.kaiming_normal_(child.weight, mode="fan_in", nonlinearity="relu")
            zero(child.bias)


def initialize_xavier(module: nn.Module) -> None:
    """Convolutions from a uniform distribution by fan-in and fan-out, biases zero."""
    for child in module.modules():
        if isinstance(child, nn.Conv2d):
            nn.init.xavier_uniform_(child.weight)
            zero(child.bias)


def zero(bias: Tensor | None) -> None:
    """Set a bias to zero, where there is one."""
    if bias is not None:
        nn.init.zeros_(bias)


def initialize_fan_in(*modules: nn.Module) -> None:
    """Convolutions from a uniform distribution of variance 1 / fan-in, biases zero (Caffe2's "Xavier")."""
    for module in modules:
        for child in module.modules():
            if isinstance(child, nn.Conv2d):
                nn.init.kaiming_uniform_(child.weight, a=1)
                zero(child.bias)
