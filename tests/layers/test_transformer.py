"""The encoder block: its equations, and recomputation."""

from __future__ import annotations

import torch

from segue.layers.norm import LN
from segue.layers.transformer import TransformerEncoderLayer


def test_the_equations() -> None:
    block, x = TransformerEncoderLayer(8, 2, 16, norm=LN).eval(), torch.randn(2, 5, 8)
    y = x + block.attn(block.ln1(x))
    assert torch.allclose(block(x), y + block.ffn(block.ln2(y)))


def test_recomputation_gives_the_same_gradients() -> None:
    x, gradients = torch.randn(2, 5, 8), []
    for with_cp in (False, True):
        torch.manual_seed(0)
        block = TransformerEncoderLayer(8, 2, 16, norm=LN, with_cp=with_cp)
        block(x.clone().requires_grad_()).square().sum().backward()
        gradients.append(block.ffn.layers[0][0].weight.grad)
    assert torch.allclose(*gradients)
