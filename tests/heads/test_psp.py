"""PSPHead: numbers from the goldens; the pooling by hand."""

from __future__ import annotations

import torch

from segue.heads.psp import PSPHead
from segue.layers.decode_head import HeadOptions
from tests.goldens_check import check_golden


def test_numbers_of_the_reference() -> None:
    check_golden("pspnet_r18")


def test_the_coarsest_grid_is_the_mean_of_the_image() -> None:
    head = PSPHead(HeadOptions(in_channels=2, channels=2, num_classes=3, act=None), pool_scales=(1,))
    torch.nn.init.dirac_(head.psp_modules[0][1].conv.weight)
    x = torch.randn(1, 2, 7, 5)
    (pooled,) = head.psp_modules(x)
    assert torch.allclose(pooled, x.mean((2, 3), keepdim=True).expand_as(x), atol=1e-6)
