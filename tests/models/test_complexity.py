"""``segue.models.complexity``. Oracle: counted by hand."""

from __future__ import annotations

import torch
from torch import nn

from segue.models.complexity import measure


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
