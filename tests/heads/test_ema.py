"""EMAHead: numbers of the reference, and how its bases follow the images."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from segue.heads.ema import EMAHead, EMAModule
from segue.layers.decode_head import HeadOptions
from tests.goldens_check import check_golden, check_heads


@pytest.mark.slow
def test_numbers_of_the_reference() -> None:
    check_golden("emanet_r50")


def test_variants_of_the_reference() -> None:
    check_heads("ema", "ema-plain")


def test_one_basis_becomes_the_direction_of_the_mean() -> None:
    """With K = 1 every weight is 1, so the basis is the normalized mean pixel, and every pixel becomes it."""
    module = EMAModule(3, num_bases=1, num_stages=2, momentum=0.25)
    x = torch.randn(1, 3, 4, 5)
    direction = F.normalize(x.mean(dim=(2, 3)), dim=1)
    before = module.bases.clone()
    out = module(x)
    assert torch.allclose(out, direction[:, :, None, None].expand_as(x), atol=1e-6)
    assert torch.allclose(module.bases, 0.75 * before + 0.25 * direction.unsqueeze(2), atol=1e-6)


def test_evaluation_leaves_the_bases_alone() -> None:
    module = EMAModule(3, num_bases=2, num_stages=1, momentum=0.5).eval()
    before = module.bases.clone()
    module(torch.randn(1, 3, 4, 5))
    assert torch.equal(module.bases, before)


def test_the_convolution_before_the_iterations_is_frozen() -> None:
    options = HeadOptions(in_channels=4, channels=4, num_classes=2)
    head = EMAHead(options, ema_channels=4, num_bases=2, num_stages=1)
    head([torch.randn(1, 4, 5, 5)]).sum().backward()
    without = {name for name, parameter in head.named_parameters() if parameter.grad is None}
    assert without == {"ema_mid_conv.conv.weight", "ema_mid_conv.conv.bias"}
