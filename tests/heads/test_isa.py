"""ISAHead: numbers of the reference, and who attends to whom."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from segue.heads.isa import ISAHead
from segue.layers.decode_head import HeadOptions
from tests.goldens_check import check_golden, check_heads


@pytest.mark.slow
def test_numbers_of_the_reference() -> None:
    check_golden("isanet_r50")


def test_variants_of_the_reference() -> None:
    check_heads("isa")


def head() -> ISAHead:
    return ISAHead(HeadOptions(in_channels=1, channels=1, num_classes=2), isa_channels=1, down_factor=(2, 3))


def test_cutting_and_joining_cancel() -> None:
    isa = head()
    isa.global_relation = isa.local_relation = nn.Identity()
    x = torch.randn(2, 1, 5, 7)
    assert torch.equal(isa.interlaced(x), x)


class Mean(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(dim=(2, 3), keepdim=True).expand_as(x)


def test_far_positions_share_their_place_in_a_block_and_near_ones_the_block() -> None:
    """With a mean for attention: over every second row and third column, and over blocks of 2 x 3."""
    x = torch.randn(1, 1, 4, 6)
    isa = head()
    isa.global_relation, isa.local_relation = Mean(), nn.Identity()
    assert torch.allclose(isa.interlaced(x)[0, 0, 1, 2], x[0, 0, 1::2, 2::3].mean())
    isa.global_relation, isa.local_relation = nn.Identity(), Mean()
    assert torch.allclose(isa.interlaced(x)[0, 0, 3, 4], x[0, 0, 2:, 3:].mean())
