"""DNLHead: numbers of the reference, and what whitening means."""

from __future__ import annotations

import pytest
import torch

from segue.heads.dnl import DisentangledNonLocalBlock
from tests.goldens_check import check_golden, check_heads


@pytest.mark.slow
def test_numbers_of_the_reference() -> None:
    check_golden("dnl_r50")


def test_modes_of_the_reference() -> None:
    check_heads("dnl-embedded_gaussian-True", "dnl-embedded_gaussian-False", "dnl-dot_product-True", "dnl-cat")


def test_what_all_pixels_share_does_not_matter_to_the_pairwise_term() -> None:
    block = DisentangledNonLocalBlock(4)
    torch.nn.init.normal_(block.conv_out.conv.weight)
    x = torch.randn(1, 4, 3, 3)
    before = block(x)
    block.theta.conv.bias.data += 3.0
    block.phi.conv.bias.data -= 2.0
    assert torch.allclose(block(x), before, atol=1e-5)


def test_unary_term_by_hand() -> None:
    """Equal queries leave the pairwise term the mean; the mask adds the pixel that it is sure of: (1 + 3) / 2 + 3."""
    block = DisentangledNonLocalBlock(1, reduction=1)
    for parameter in block.parameters():
        torch.nn.init.zeros_(parameter)
    for conv in (block.g.conv, block.conv_out.conv):
        torch.nn.init.ones_(conv.weight)
    torch.nn.init.constant_(block.conv_mask.weight, 100.0)
    out = block(torch.tensor([1.0, 3.0]).view(1, 1, 1, 2))
    assert out.flatten().tolist() == pytest.approx([1 + 5, 3 + 5])


def test_whitening_leaves_the_input_alone() -> None:
    """In every mode; the reference changes it in place where queries are the input itself."""
    x = torch.randn(1, 4, 3, 3) + 5
    assert torch.equal(DisentangledNonLocalBlock(4, mode="gaussian")(x.clone()), x)
