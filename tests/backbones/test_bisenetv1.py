"""BiSeNet: recorded numbers of the reference, and which maps are returned."""

from __future__ import annotations

import pytest
import torch

from segue.backbones.bisenetv1 import BiSeNetV1
from segue.backbones.resnet import ResNet
from segue.errors import InputError
from tests.goldens_check import check_golden


def test_published_model() -> None:
    """Oracle: mmseg 1.2.2."""
    check_golden("bisenetv1_r18")


def test_out_indices_choose_the_maps() -> None:
    """By definition; odd sizes and one channel are fine."""
    net = BiSeNetV1(ResNet(18, in_channels=1), 1, out_indices=(2, 0)).eval()
    with torch.no_grad():
        shapes = [tuple(out.shape) for out in net(torch.randn(1, 1, 65, 97))]
    assert shapes == [(1, 128, 5, 7), (1, 256, 9, 13)]


def test_widths_of_another_number() -> None:
    """The message says how many."""
    with pytest.raises(InputError, match="spatial_channels needs 4 values"):
        BiSeNetV1(ResNet(18), spatial_channels=(64, 64))
