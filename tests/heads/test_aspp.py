"""ASPPHead: numbers from the goldens (also with OHEM)."""

from __future__ import annotations

import torch

from segue.heads.aspp import ASPPHead
from segue.layers.decode_head import HeadOptions
from tests.goldens_check import check_golden


def test_numbers_of_the_reference() -> None:
    check_golden("deeplabv3_r18")


def test_branches_keep_the_size_whatever_the_dilation() -> None:
    head = ASPPHead(HeadOptions(in_channels=2, channels=3, num_classes=4), dilations=(1, 2, 30)).eval()
    assert [branch.conv.kernel_size[0] for branch in head.aspp_modules] == [1, 3, 3]
    assert head([torch.randn(1, 2, 9, 7)]).shape == (1, 4, 9, 7)
