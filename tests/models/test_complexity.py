"""``segue.models.complexity``. Oracle: counted by hand."""

from __future__ import annotations

import torch
from torch import nn

from segue.models.complexity import Part, measure, parts


def test_one_convolution() -> None:
    """3 x 3 over 5 x 7 pixels from 2 to 4 channels: 2 * 9 * 2 * 4 * 35 products and sums, 76 parameters."""
    model = nn.Conv2d(2, 4, 3, padding=1).train()
    found = measure(model, (5, 7), channels=2)
    assert (found.parameters, found.flops, found.size) == (76, 2 * 9 * 2 * 4 * 35, (5, 7))
    assert model.training


def test_without_values() -> None:
    with torch.device("meta"):
        model = nn.Conv2d(3, 8, 1)
    assert measure(model, (1000, 1000)).flops == 2 * 3 * 8 * 1_000_000


def test_parts() -> None:
    """By hand: 1 x 1 convolutions of 3 to 8 and 8 to 2 channels at 10 x 10 pixels, and an activation."""
    model = nn.Sequential(nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU()), nn.Conv2d(8, 2, 1))
    assert parts(model, (10, 10)) == [Part("0", 32, 4800), Part("0.0", 32, 4800), Part("1", 18, 3200)]
    assert [one.name for one in parts(model, (10, 10), depth=1)] == ["0", "1"]
