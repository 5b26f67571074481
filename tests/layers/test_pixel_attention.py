"""Attention between positions. Oracle: the softmax of all products, written out."""

from __future__ import annotations

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from segue.layers import pixel_attention
from segue.layers.pixel_attention import attend


class Largest(TorchDispatchMode):
    """The most numbers that any tensor had."""

    def __init__(self) -> None:
        super().__init__()
        self.most = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        for one in found if isinstance(found, (tuple, list)) else (found,):
            if isinstance(one, torch.Tensor):
                self.most = max(self.most, one.numel())
        return found


def tensors(d: int, c: int, n: int = 150, m: int = 130) -> list[torch.Tensor]:
    torch.manual_seed(0)
    return [torch.randn(2, *shape, requires_grad=True) for shape in ((d, n), (d, m), (c, m))]


@pytest.mark.parametrize(("d", "c"), [(8, 8), (4, 16)])
def test_as_written_out_with_gradients_in_blocks(monkeypatch, d, c):
    monkeypatch.setattr(pixel_attention, "_PAIRS", 2 * 130 * 20)  # 20 queries at a time
    query, key, value = tensors(d, c)
    found = attend(query, key, value, 0.5)
    weights = torch.einsum("bdn,bdm->bnm", query, key).mul(0.5).softmax(dim=2)
    expected = torch.einsum("bnm,bcm->bcn", weights, value)
    assert found.shape == (2, c, 150) and torch.allclose(found, expected, atol=1e-5)
    direction = torch.randn_like(found)
    gradients = torch.autograd.grad((found * direction).sum(), (query, key, value))
    for one, other in zip(
        gradients, torch.autograd.grad((expected * direction).sum(), (query, key, value)), strict=True
    ):
        assert torch.allclose(one, other, atol=1e-4)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("d", "c"), [(8, 8), (4, 16)])
def test_the_weights_never_exist_at_once(monkeypatch, d, c, training):
    """N x M is 19500 for each image; nothing is larger than a block of them or the values."""
    monkeypatch.setattr(pixel_attention, "_PAIRS", 2 * 130 * 20)
    query, key, value = tensors(d, c)
    with Largest() as seen, torch.set_grad_enabled(training):
        found = attend(query, key, value)
        if training:
            found.sum().backward()
    assert 0 < seen.most <= max(2 * 130 * 20, found.numel())
