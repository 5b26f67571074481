"""Patches of images of any size; and a fault of torch that tokens must not meet."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from segue.layers.patch_embed import PatchEmbed, pad_to_windows, to_map, to_tokens


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padded"),
    [(10, 4, 4, 12), (8, 4, 4, 8), (10, 3, 2, 11), (9, 1, 2, 9), (5, 7, 4, 11)],
)
def test_padding(size: int, kernel: int, stride: int, padded: int) -> None:
    """Windows of ``kernel`` at 0, stride, 2 * stride ... as long as they begin inside."""
    x = torch.ones(1, 1, size, 8)
    assert pad_to_windows(x, (kernel, 4), (stride, 4)).shape[2] == padded


def test_places_of_padding() -> None:
    x = torch.ones(1, 1, 3, 4)
    assert pad_to_windows(x, (4, 4), (4, 4), "corner")[0, 0, :, 0].tolist() == [1, 1, 1, 0]
    assert pad_to_windows(torch.ones(1, 1, 2, 4), (4, 4), (4, 4), "same")[0, 0, :, 0].tolist() == [0, 1, 1, 0]


def test_embedding() -> None:
    tokens, size = PatchEmbed(2, 5, 4)(torch.randn(1, 2, 9, 8))
    assert size == (3, 2) and tuple(tokens.shape) == (1, 6, 5)


def test_tokens_and_back() -> None:
    x = torch.randn(2, 3, 4, 5)
    assert torch.equal(to_map(to_tokens(x), (4, 5)), x)
    assert torch.equal(to_tokens(x)[1, 7], x[1, :, 1, 2])


@pytest.mark.parametrize("batch", [1, 2])
def test_gradients_of_batch_normalization_below_tokens(batch: int) -> None:
    """By hand: d(sum of g * y) / d weight is the sum of g times the normalized input. With the plain transposition
    and a batch of one, torch 2.13 returns something else on CPU.
    """
    torch.manual_seed(0)
    norm, x = nn.BatchNorm2d(64).eval(), torch.randn(batch, 64, 4, 5)
    y = norm(x)
    y.retain_grad()
    (nn.LayerNorm(64)(to_tokens(y)) * torch.randn(batch, 20, 64)).sum().backward()
    expected = (y.grad * x / (1 + norm.eps) ** 0.5).sum((0, 2, 3))
    assert torch.allclose(norm.weight.grad, expected, rtol=1e-4, atol=1e-5)
