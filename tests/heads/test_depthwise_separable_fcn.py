"""The separable head of Fast-SCNN; its numbers are held by the golden of the backbone."""

from __future__ import annotations

import torch
from torch import nn

from segue.heads.depthwise_separable_fcn import DepthwiseSeparableFCNHead
from segue.layers.activation import RELU
from segue.layers.decode_head import HeadOptions
from segue.layers.norm import BN


def _options() -> HeadOptions:
    return HeadOptions(in_channels=6, channels=4, num_classes=3, norm=BN)


def test_all_convolutions_are_separable() -> None:
    """By definition; the input is concatenated before the last."""
    head = DepthwiseSeparableFCNHead(_options()).eval()
    assert [conv.depthwise_conv.conv.groups for conv in [*head.convs, head.conv_cat]] == [6, 4, 10]
    assert head([torch.randn(1, 6, 5, 7)]).shape == (1, 3, 5, 7)


def test_activation_between_the_halves() -> None:
    """None by default, as in the reference."""
    assert isinstance(DepthwiseSeparableFCNHead(_options()).convs[0].depthwise_conv.activate, nn.Identity)
    assert isinstance(DepthwiseSeparableFCNHead(_options(), dw_act=RELU).convs[0].depthwise_conv.activate, nn.ReLU)
