"""Encoding against its definition, which makes every residual."""

from __future__ import annotations

import torch

from segue.layers.encoding import Encoding


def test_it_is_the_weighted_sum_of_residuals() -> None:
    encoding = Encoding(3, 4)
    x = torch.randn(2, 3, 5, 6)
    residuals = x.flatten(2).transpose(1, 2).unsqueeze(2) - encoding.codewords  # (B, N, K, C)
    weights = (encoding.scale * residuals.square().sum(dim=3)).softmax(dim=2)
    expected = (weights.unsqueeze(3) * residuals).sum(dim=1)
    assert torch.allclose(encoding(x), expected, atol=1e-5)
