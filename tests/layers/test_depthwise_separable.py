"""DepthwiseSeparableConvModule: one filter per channel, then across channels."""

from __future__ import annotations

import torch

from segue.layers.depthwise_separable import DepthwiseSeparableConvModule
from segue.layers.norm import BN


def test_depthwise_separable() -> None:
    module = DepthwiseSeparableConvModule(4, 6, 3, padding=1, norm=BN)
    assert module.depthwise_conv.conv.groups == 4
    assert module(torch.randn(1, 4, 7, 9)).shape == (1, 6, 7, 9)
