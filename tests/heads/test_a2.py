"""A2Head: equations 4 to 6 of the paper by hand (the reference has no such head)."""

from __future__ import annotations

import math

import pytest
import torch

from segue.config.builder.build import build
from segue.heads.a2 import DoubleAttention
from segue.layers.norm import BN


def test_by_hand() -> None:
    """Pixels 0 and ln 3, A the identity, one gathering map the identity and one even, distribution logits (x, 0).

    Descriptors: 3/4 ln 3 and 1/2 ln 3. Mixes: softmax(0, 0) = 1/2, 1/2; softmax(ln 3, 0) = 3/4, 1/4.
    """
    block = DoubleAttention(1, channels=1, num_descriptors=2, norm=None)
    for parameter in block.parameters():
        torch.nn.init.zeros_(parameter)
    for conv in (block.feature_conv, block.out_conv):
        torch.nn.init.ones_(conv.weight)
    block.gather_conv.weight.data[0] = 1.0
    block.distribute_conv.weight.data[0] = 1.0
    log3 = math.log(3)
    out = block(torch.tensor([0.0, log3]).view(1, 1, 1, 2)).flatten().tolist()
    first, second = 0.75 * log3, 0.5 * log3
    assert out == pytest.approx([first / 2 + second / 2, log3 + 0.75 * first + 0.25 * second])


@pytest.mark.parametrize("norm", [BN, None])
def test_it_starts_as_the_identity(norm) -> None:  # type: ignore[no-untyped-def]
    x = torch.randn(2, 8, 3, 5)
    assert torch.equal(DoubleAttention(8, channels=2, num_descriptors=2, norm=norm)(x), x)


def test_by_its_name_in_a_config() -> None:
    head = build({"head": {"type": "A2Head", "in_channels": 4, "channels": 8, "num_classes": 3}}, "head", "heads")
    assert head([torch.randn(1, 4, 6, 5)]).shape == (1, 3, 6, 5)
    assert head.a2_block.gather_conv.out_channels == 2  # a quarter
