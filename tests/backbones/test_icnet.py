"""ICNet: recorded numbers of the reference, and the plain ResNet as its deep network."""

from __future__ import annotations

import pytest
import torch

from segue.backbones.icnet import ICNet
from segue.backbones.resnet import ResNet
from tests.backbones.recorded import check_backbone
from tests.goldens_check import check_golden


def test_published_model() -> None:
    """Oracle: mmseg 1.2.2."""
    check_golden("icnet_r18")


def test_icnet_odd() -> None:
    """Oracle: mmseg 1.2.2 at a size that no stride divides."""
    check_backbone("icnet_odd")


@pytest.mark.parametrize("channels", [1, 5])
def test_plain_stem(channels: int) -> None:
    """By definition; the reference demands the deep stem."""
    net = ICNet(ResNet(18, in_channels=channels), channels, layer_channels=(128, 512)).eval()
    with torch.no_grad():
        shapes = [tuple(out.shape) for out in net(torch.randn(1, channels, 64, 96))]
    assert shapes == [(1, 64, 8, 12), (1, 256, 5, 7), (1, 256, 1, 1)]
