"""How large a model is, and how much it computes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class Complexity:
    """Size and work of a model.

    Attributes:
        parameters: their number.
        flops: of one forward pass for one image of ``size`` (height, width): products and sums of convolutions and
            matrix products, each counted as one operation.
        size: the image.
    """

    parameters: int
    flops: int
    size: tuple[int, int]


def measure(model: nn.Module, size: tuple[int, int], channels: int = 3) -> Complexity:
    """Count, on whatever device the model is; on the ``meta`` device nothing is computed.

    Args:
        model: in any mode, which stays; its ``forward`` takes a batch of images.
        size: height and width of the image.
        channels: of the image.
    """
    device = next(model.parameters()).device
    parameters = sum(p.numel() for p in model.parameters())
    training = model.training
    model.eval()
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            model(torch.zeros(1, channels, *size, device=device))
    finally:
        model.train(training)
    return Complexity(parameters, counter.get_total_flops(), size)


@dataclass(frozen=True)
class Part:
    """A module of a model: its path, its parameters, and what it computes for one image."""

    name: str
    parameters: int
    flops: int


def parts(model: nn.Module, size: tuple[int, int], channels: int = 3, depth: int = 2) -> list[Part]:
    """The modules down to ``depth`` that have parameters or compute something, in the order of the model.

    Operations are counted as in `Complexity`. Those of a module that runs within another one's name only are the
    other's.
    """
    device = next(model.parameters()).device
    training = model.training
    model.eval()
    try:
        with torch.no_grad(), FlopCounterMode(display=False, depth=depth) as counter:
            model(torch.zeros(1, channels, *size, device=device))
    finally:
        model.train(training)
    counts = counter.get_flop_counts()
    kind = type(model).__name__
    found = []
    for name, module in model.named_modules():
        if not name or name.count(".") >= depth:
            continue
        flops = sum(counts.get(f"{kind}.{name}", {}).values())
        parameters = sum(p.numel() for p in module.parameters())
        if parameters or flops:
            found.append(Part(name, parameters, flops))
    return found
