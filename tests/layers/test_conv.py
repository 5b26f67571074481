"""ConvModule: the names in a checkpoint, and where there is a bias."""

from __future__ import annotations

import torch

from segue.layers.conv import ConvModule
from segue.layers.norm import BN, Norm


def test_names_and_bias() -> None:
    assert list(dict(ConvModule(2, 3, 1).named_parameters())) == ["conv.weight", "conv.bias"]
    assert list(dict(ConvModule(2, 3, 1, norm=BN).named_parameters())) == ["conv.weight", "bn.weight", "bn.bias"]
    assert "gn.weight" in dict(ConvModule(2, 4, 1, norm=Norm("GN", num_groups=2)).named_parameters())


def test_order_and_activation() -> None:
    x = torch.randn(2, 2, 5, 5)
    assert ConvModule(2, 3, 3, padding=1, norm=BN)(x).min() >= 0
    assert ConvModule(2, 3, 3, padding=1, norm=BN, act=None)(x).min() < 0
