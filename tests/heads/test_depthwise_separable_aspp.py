"""DeepLabV3+'s head: numbers from the goldens."""

from __future__ import annotations

import torch

from segue.heads.depthwise_separable_aspp import DepthwiseSeparableASPPHead
from segue.layers.decode_head import HeadOptions
from tests.goldens_check import check_golden


def test_numbers_of_the_reference() -> None:
    check_golden("deeplabv3plus_r18")


def test_logits_have_the_size_of_the_fine_map() -> None:
    features = [torch.randn(1, 2, 16, 12), torch.randn(1, 4, 4, 3)]
    options = HeadOptions(in_channels=4, in_index=1, channels=4, num_classes=3)
    assert DepthwiseSeparableASPPHead(options, c1_in_channels=2, c1_channels=2).eval()(features).shape[-2:] == (16, 12)
    assert DepthwiseSeparableASPPHead(options, c1_in_channels=0, c1_channels=0).eval()(features).shape[-2:] == (4, 3)
