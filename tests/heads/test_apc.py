"""APCHead: numbers of the reference, and the affinity by hand."""

from __future__ import annotations

import pytest
import torch

from segue.heads.apc import AdaptiveContext
from tests.goldens_check import check_golden, check_heads


@pytest.mark.slow
def test_numbers_of_the_reference() -> None:
    check_golden("apcnet_r50")


def test_variants_of_the_reference() -> None:
    check_heads("apc", "apc-plain")


def test_context_by_hand() -> None:
    """One region, the mean 2 of pixels 1 and 3; transforms the identity, affinity sigmoid(0) = 1/2: x + 2 / 2."""
    module = AdaptiveContext(1, False, 1, 1, norm=None, act=None)
    for conv in (module.pooled_redu_conv, module.input_redu_conv, module.residual_conv):
        torch.nn.init.ones_(conv.conv.weight)
    torch.nn.init.zeros_(module.gla.weight)
    torch.nn.init.zeros_(module.gla.bias)
    assert module(torch.tensor([1.0, 3.0]).view(1, 1, 1, 2)).flatten().tolist() == [2.0, 4.0]
