"""The inverted residual and its rounded widths, worked by hand."""

from __future__ import annotations

import pytest
import torch

from segue.layers.activation import RELU
from segue.layers.inverted_residual import InvertedResidual, make_divisible
from segue.layers.norm import BN


@pytest.mark.parametrize(("value", "rounded"), [(32, 32), (11.2, 16), (12, 16), (18, 24), (3, 8), (20, 24)])
def test_widths_are_multiples_of_eight(value: float, rounded: int) -> None:
    """By hand: to the nearest multiple, ties up, but at most a tenth below; 18 would become 16, below 16.2."""
    assert make_divisible(value, 8) == rounded


@pytest.mark.parametrize(("out_channels", "stride", "has_shortcut"), [(4, 1, True), (4, 2, False), (6, 1, False)])
def test_shortcut_where_shapes_agree(out_channels: int, stride: int, has_shortcut: bool) -> None:
    """By definition: with a zero last norm the block is its input, or zero."""
    block = InvertedResidual(4, out_channels, stride=stride, expand_ratio=6, norm=BN, act=RELU).eval()
    torch.nn.init.zeros_(block.conv[-1].bn.weight)
    x = torch.randn(1, 4, 7, 9)
    expected = x if has_shortcut else torch.zeros(1, out_channels, -(-7 // stride), -(-9 // stride))
    assert torch.equal(block(x), expected)
