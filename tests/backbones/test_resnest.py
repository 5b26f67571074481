"""ResNeSt: recorded numbers of the reference, and the attention of a single split worked by hand."""

from __future__ import annotations

import pytest
import torch

from segue.backbones.resnest import ResNeSt, SplitAttentionConv2d
from segue.errors import InputError
from segue.layers.norm import BN
from tests.backbones.recorded import check_backbone
from tests.goldens_check import check_golden


def test_recorded() -> None:
    """Oracle: mmseg 1.2.2, FCN on ResNeSt-50 at 1/8 of the image; the published ones have 101 layers."""
    check_golden("resnest50_fcn")


def test_groups() -> None:
    """Oracle: mmseg 1.2.2, with groups, a single split, and strided convolutions."""
    check_backbone("resnest50_groups")


def test_equal_splits_are_averaged() -> None:
    """By hand: if the attention's last layer is zero, both of two splits weigh one half."""
    conv = SplitAttentionConv2d(4, stride=1, dilation=1, groups=1, radix=2, reduction_factor=4, norm=BN).eval()
    torch.nn.init.zeros_(conv.fc2.weight)
    torch.nn.init.zeros_(conv.fc2.bias)
    x = torch.randn(1, 4, 5, 6)
    with torch.no_grad():
        first, second = conv.bn0(conv.conv(x)).relu().split(4, dim=1)
        torch.testing.assert_close(conv(x), (first + second) / 2)


def test_unknown_depth() -> None:
    """The message lists the depths of this network, not of ResNet."""
    with pytest.raises(InputError, match=r"ResNeSt: depth=18; there are \[50, 101, 152, 200\]"):
        ResNeSt(18)
