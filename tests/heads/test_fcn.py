"""FCNHead: numbers from the goldens."""

from __future__ import annotations

import pytest
import torch

from segue.errors import InputError
from segue.heads.fcn import FCNHead
from segue.layers.decode_head import HeadOptions
from tests.goldens_check import check_golden


def test_numbers_of_the_reference() -> None:
    """Two convolutions, concatenated input, ``align_corners``, and one without concatenation as auxiliary head."""
    check_golden("fcn_r18_769")


def test_without_convolutions_it_classifies_the_input() -> None:
    options = HeadOptions(in_channels=4, channels=4, num_classes=3, dropout_ratio=0)
    head = FCNHead(options, num_convs=0, concat_input=False)
    x = torch.randn(1, 4, 5, 5)
    assert torch.equal(head([x]), head.conv_seg(x))


def test_without_convolutions_the_widths_must_agree() -> None:
    with pytest.raises(InputError, match="in_channels=4 must equal channels=8"):
        FCNHead(HeadOptions(in_channels=4, channels=8, num_classes=3), num_convs=0)
