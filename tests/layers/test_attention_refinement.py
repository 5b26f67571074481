"""Attention refinement, worked by hand."""

from __future__ import annotations

import torch

from segue.layers.activation import RELU
from segue.layers.attention_refinement import AttentionRefinement
from segue.layers.norm import BN


def test_channels_are_weighted() -> None:
    """By hand: attention of zero weights and bias is sigmoid(0), one half of the convolved map."""
    module = AttentionRefinement(3, 4, norm=BN, act=RELU).eval()
    torch.nn.init.zeros_(module.atten_conv_layer[1].conv.weight)
    x = torch.randn(1, 3, 5, 6)
    with torch.no_grad():
        torch.testing.assert_close(module(x), module.conv_layer(x) / 2)
