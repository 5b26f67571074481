"""DMHead: numbers of the reference, and the dynamic convolution image by image."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from segue.heads.dm import DynamicConv, own_kernels
from tests.goldens_check import check_golden, check_heads


@pytest.mark.slow
def test_numbers_of_the_reference() -> None:
    check_golden("dmnet_r50")


def test_variants_of_the_reference() -> None:
    """Odd and even kernels, with fusion and without normalization."""
    check_heads("dm", "dm-nonorm")


def test_every_image_has_kernels_of_its_own() -> None:
    module = DynamicConv(3, False, 4, 2, norm=None, act=None)
    x = torch.randn(3, 4, 6, 5)
    out = module(x)
    for image, expected in zip(x, out, strict=True):
        kernels = module.filter_gen_conv(F.adaptive_avg_pool2d(image[None], 3))[0].unsqueeze(1)
        alone = F.conv2d(module.input_redu_conv(image[None]), kernels, padding=1, groups=2)
        assert torch.allclose(alone[0], expected, atol=1e-5)


@pytest.mark.parametrize("side", [1, 2, 3, 5])
def test_the_form_for_exports(side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sum of shifted maps is the convolution."""
    x, kernels = torch.randn(2, 3, 8 + side, 9 + side), torch.randn(2, 3, side, side)
    wanted = own_kernels(x, kernels, (9, 10))
    monkeypatch.setattr(torch.compiler, "is_exporting", lambda: True)
    assert wanted.shape == (2, 3, 9, 10) and torch.allclose(own_kernels(x, kernels, (9, 10)), wanted, atol=1e-5)
