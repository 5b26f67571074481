"""Normalization before the convolution, worked by hand."""

from __future__ import annotations

import torch

from segue.layers.activation import RELU
from segue.layers.norm import BN
from segue.layers.pre_conv import PreConv


def test_activates_before_it_convolves() -> None:
    """By hand: negative inputs vanish; the names are those of checkpoints."""
    module = PreConv(2, 3, 1, norm=BN, act=RELU).eval()
    assert [name for name, _ in module.named_children()] == ["bn", "activate", "conv"]
    with torch.no_grad():
        assert module(-torch.ones(1, 2, 4, 4)).abs().max() == 0
