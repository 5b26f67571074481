"""STDC: recorded numbers of the reference, and the widths of a module."""

from __future__ import annotations

import pytest
import torch

from segue.backbones.stdc import STDCModule, STDCNet
from segue.errors import InputError
from segue.layers.activation import RELU
from segue.layers.norm import BN
from tests.backbones.recorded import check_backbone
from tests.goldens_check import check_golden


def test_published_model() -> None:
    """Oracle: mmseg 1.2.2."""
    check_golden("stdc1")


def test_stdc2_add() -> None:
    """Oracle: mmseg 1.2.2 at a size that no stride divides, with modules that add."""
    check_backbone("stdc2_add")


@pytest.mark.parametrize("stride", [1, 2])
def test_widths_halve_and_add_up(stride: int) -> None:
    """By the paper's table 1: M/2, M/4, M/8 and M/8 channels, concatenated to M."""
    module = STDCModule(16, 64, stride, norm=BN, act=RELU).eval()
    assert [layer.conv.out_channels for layer in module.layers] == [32, 16, 8, 8]
    assert module(torch.randn(1, 16, 9, 9)).shape == (1, 64, 9 if stride == 1 else 5, 9 if stride == 1 else 5)


def test_widths_of_another_number() -> None:
    """The message says how many."""
    with pytest.raises(InputError, match="need 5 widths"):
        STDCNet("STDCNet1", channels=(32, 64))
