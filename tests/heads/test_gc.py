"""GCHead: numbers of the reference, and the pooling by hand."""

from __future__ import annotations

import math

import pytest
import torch

from segue.errors import InputError
from segue.heads.gc import ContextBlock
from tests.goldens_check import check_golden, check_heads


@pytest.mark.slow
def test_numbers_of_the_reference() -> None:
    check_golden("gcnet_r50")


def test_variants_of_the_reference() -> None:
    check_heads("gc-both", "gc-mul", "gc-plain")


def test_attention_pooling_by_hand() -> None:
    """Pixels 0 and ln 3 with a mask that is the identity: weights 1/4 and 3/4."""
    block = ContextBlock(1, ratio=1.0)
    torch.nn.init.ones_(block.conv_mask.weight)
    pooled = block.pool(torch.tensor([0.0, math.log(3)]).view(1, 1, 1, 2))
    assert pooled.item() == pytest.approx(0.75 * math.log(3))


def test_added_context_starts_at_nothing_and_the_factor_at_a_half() -> None:
    x = torch.randn(2, 4, 3, 3)
    assert torch.equal(ContextBlock(4, ratio=0.5)(x), x)
    assert torch.allclose(ContextBlock(4, ratio=0.5, fusion_types=("channel_mul",))(x), x / 2)


def test_an_unknown_fusion() -> None:
    with pytest.raises(InputError, match="give 'channel_add', 'channel_mul' or both"):
        ContextBlock(4, ratio=0.5, fusion_types=())
