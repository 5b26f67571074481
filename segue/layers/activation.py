"""Activations by the config's names."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from segue.types import Activation


class HSigmoid(nn.Module):
    """Piecewise-linear sigmoid, ``clamp((x + bias) / divisor, min_value, max_value)`` (arXiv:1905.02244)."""

    def __init__(self, bias: float = 3.0, divisor: float = 6.0, min_value: float = 0.0, max_value: float = 1.0) -> None:
        super().__init__()
        self.bias, self.divisor, self.min_value, self.max_value = bias, divisor, min_value, max_value

    def forward(self, x: Tensor) -> Tensor:
        """Any shape to the same shape."""
        return torch.clamp((x + self.bias) / self.divisor, self.min_value, self.max_value)


class QuickGELU(nn.Module):
    """GELU as CLIP (arXiv:2103.00020) approximates it: ``x * sigmoid(1.702 x)``."""

    def forward(self, x: Tensor) -> Tensor:
        """Any shape to the same shape."""
        return x * torch.sigmoid(1.702 * x)


ACTIVATIONS: dict[str, Any] = {
    "ReLU": partial(nn.ReLU, inplace=True),
    "LeakyReLU": partial(nn.LeakyReLU, inplace=True),
    "PReLU": nn.PReLU,
    "RReLU": partial(nn.RReLU, inplace=True),
    "ReLU6": partial(nn.ReLU6, inplace=True),
    "ELU": partial(nn.ELU, inplace=True),
    "Sigmoid": nn.Sigmoid,
    "HSigmoid": HSigmoid,
    "Hardsigmoid": nn.Hardsigmoid,
    "Tanh": nn.Tanh,
    "GELU": nn.GELU,
    "QuickGELU": QuickGELU,
    "SiLU": partial(nn.SiLU, inplace=True),
    "Swish": partial(nn.SiLU, inplace=True),
    "HSwish": partial(nn.Hardswish, inplace=True),
    "Mish": nn.Mish,
}
RELU: Activation = ACTIVATIONS["ReLU"]
