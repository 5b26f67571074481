"""NLHead: numbers of the reference for every mode, and equation 1 by hand."""

from __future__ import annotations

import math

import pytest
import torch

from segue.heads.nl import NonLocalBlock
from segue.layers.norm import BN
from tests.goldens_check import check_golden, check_heads


@pytest.mark.slow
def test_numbers_of_the_reference() -> None:
    check_golden("nonlocal_r50")


def test_modes_of_the_reference() -> None:
    check_heads("nl-gaussian-True", "nl-embedded_gaussian-True", "nl-embedded_gaussian-False")
    check_heads("nl-dot_product-True", "nl-concatenation-True", "nl-nonorm")


def test_gaussian_by_hand() -> None:
    """Pixels 1 and 0, g and W_z the identity: pixel 1 weighs them e : 1, pixel 0 evenly."""
    block = NonLocalBlock(1, reduction=1, mode="gaussian")
    torch.nn.init.ones_(block.g.conv.weight)
    torch.nn.init.ones_(block.conv_out.conv.weight)
    out = block(torch.tensor([1.0, 0.0]).view(1, 1, 1, 2))
    assert out.flatten().tolist() == pytest.approx([1 + math.e / (math.e + 1), 0.5])


@pytest.mark.parametrize("norm", [BN, None])
def test_it_starts_as_the_identity(norm) -> None:  # type: ignore[no-untyped-def]
    x = torch.randn(2, 4, 3, 5)
    assert torch.equal(NonLocalBlock(4, norm=norm)(x), x)
