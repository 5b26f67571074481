"""Starting weights: spread and biases, as the official codes draw them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from segue.layers.initialize import initialize_plain_transformer, initialize_transformer, initialize_xavier


def test_transformer() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 64), nn.Conv2d(64, 64, 3, groups=2), nn.LayerNorm(4))
    initialize_transformer(model)
    assert model[0].weight.std().item() == pytest.approx(0.02, rel=0.1) and not model[0].bias.any()
    assert model[1].weight.std().item() == pytest.approx((2 / (9 * 64 / 2)) ** 0.5, rel=0.1)
    assert not model[1].bias.any() and model[2].weight.eq(1).all()


def test_plain_transformer() -> None:
    torch.manual_seed(0)
    model = nn.ModuleDict(
        {"ffn": nn.ModuleList([nn.Linear(64, 64)]), "attn": nn.Linear(64, 64), "c": nn.Conv2d(3, 64, 8)}
    )
    initialize_plain_transformer(model)
    assert 0 < model["ffn"][0].bias.abs().max().item() < 1e-5 and not model["attn"].bias.any()
    assert model["c"].weight.std().item() == pytest.approx((2 / (3 * 64)) ** 0.5, rel=0.1)


def test_xavier() -> None:
    conv = nn.Conv2d(4, 8, 3)
    initialize_xavier(conv)
    assert conv.weight.abs().max().item() <= (6 / (9 * 12)) ** 0.5 and not conv.bias.any()
