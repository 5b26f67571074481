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
