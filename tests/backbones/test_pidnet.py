"""PIDNet: recorded numbers of the reference, sizes that it refused, and where the attention looks."""

from __future__ import annotations

import pytest
import torch

from segue.backbones.pidnet import Bag, PIDNet
from segue.layers.norm import BN
from tests.backbones.recorded import check_backbone
from tests.goldens_check import check_golden


def test_published_model() -> None:
    """Oracle: mmseg 1.2.2."""
    check_golden("pidnet_s")


def test_pidnet_m() -> None:
    """Oracle: mmseg 1.2.2, the wider network."""
    check_backbone("pidnet_m")


@pytest.mark.parametrize("blocks", [(2, 3), (3, 4)])
def test_sizes_not_divisible_by_eight(blocks: tuple[int, int]) -> None:
    """By definition: all maps at 1/8, rounded up; of the light and of the large form. The reference fails."""
    net = PIDNet(1, 8, 8, *blocks).eval()
    with torch.no_grad():
        shapes = [tuple(out.shape) for out in net(torch.randn(1, 1, 33, 47))]
    assert shapes == [(1, 16, 5, 6), (1, 32, 5, 6), (1, 16, 5, 6)]


def test_fusion_takes_details_where_there_is_a_boundary() -> None:
    """By equation 6: a boundary logit of +-infinity selects P or I."""
    bag = Bag(4, 4, norm=BN, act=None).eval()
    p, i = torch.randn(1, 4, 3, 3), torch.randn(1, 4, 3, 3)
    far = torch.full_like(p, 1e4)
    with torch.no_grad():
        torch.testing.assert_close(bag(p, i, far), bag.conv(p))
        torch.testing.assert_close(bag(p, i, -far), bag.conv(i))
