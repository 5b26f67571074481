"""DDRNet: recorded numbers of the reference, and sizes that it refused."""

from __future__ import annotations

import pytest
import torch

from segue.backbones.ddrnet import DDRNet
from tests.backbones.recorded import check_backbone
from tests.goldens_check import check_golden


def test_published_model() -> None:
    """Oracle: mmseg 1.2.2."""
    check_golden("ddrnet_slim")


def test_ddrnet_23() -> None:
    """Oracle: mmseg 1.2.2, the wide network."""
    check_backbone("ddrnet_23")


@pytest.mark.parametrize("size", [(33, 47), (64, 65)])
def test_sizes_not_divisible_by_eight(size: tuple[int, int]) -> None:
    """By definition: both maps at 1/8, rounded up. The reference fails."""
    net = DDRNet(channels=8, ppm_channels=8).eval()
    at8 = tuple(-(-n // 8) for n in size)
    with torch.no_grad():
        assert [tuple(out.shape) for out in net(torch.randn(1, 3, *size))] == [(1, 16, *at8), (1, 32, *at8)]
