"""CCHead: numbers of the reference; the attention against a loop over row and column."""

from __future__ import annotations

import pytest
import torch

from segue.heads.cc import CrissCrossAttention
from tests.goldens_check import check_golden, check_heads


@pytest.mark.slow
def test_numbers_of_the_reference() -> None:
    check_golden("ccnet_r50")


def test_variants_of_the_reference() -> None:
    check_heads("cc")


def test_attention_against_a_loop() -> None:
    """Each pixel: softmax over the pixels of its row and column, itself once; the sum is added, times gamma."""
    attention = CrissCrossAttention(8)
    torch.nn.init.constant_(attention.gamma.scale, 2.0)
    x = torch.randn(1, 8, 3, 4)
    query, key, value = attention.query_conv(x)[0], attention.key_conv(x)[0], attention.value_conv(x)[0]
    expected = x.clone()
    for i in range(3):
        for j in range(4):
            places = [(i, w) for w in range(4)] + [(h, j) for h in range(3) if h != i]
            weights = torch.stack([query[:, i, j] @ key[:, h, w] for h, w in places]).softmax(dim=0)
            found = sum(weight * value[:, h, w] for weight, (h, w) in zip(weights, places, strict=True))
            expected[0, :, i, j] += 2.0 * found
    assert torch.allclose(attention(x), expected, atol=1e-5)


def test_twice_connects_every_pixel_with_every_other() -> None:
    attention = CrissCrossAttention(8)
    torch.nn.init.ones_(attention.gamma.scale)
    x = torch.randn(1, 8, 3, 4, requires_grad=True)
    once = attention(x)
    assert not torch.autograd.grad(once[0, 0, 0, 0], x, retain_graph=True)[0][0, :, 1, 1].any()
    assert torch.autograd.grad(attention(once)[0, 0, 0, 0], x)[0].abs().sum(dim=1).min() > 0
