"""Sine encodings of positions, by hand."""

from __future__ import annotations

import math

import torch

from segue.layers.sine_position import SinePositionalEncoding


def test_positions_from_one() -> None:
    """Two features per axis: sine and cosine of 1, 2 ... with period 1; y's come first."""
    found = SinePositionalEncoding(num_feats=2)((1, 2), torch.zeros(1))
    expected = [[math.sin(1), math.cos(1), math.sin(x), math.cos(x)] for x in (1, 2)]
    torch.testing.assert_close(found, torch.tensor([expected]))


def test_normalized() -> None:
    """The last position is a full turn; the second pair of features turns 100 times slower."""
    found = SinePositionalEncoding(num_feats=4, normalize=True)((4, 1), torch.zeros(1, dtype=torch.float64))
    assert found.shape == (1, 4, 8) and found.dtype == torch.float64
    slow = 2 * math.pi / 100
    expected = torch.tensor([0.0, 1.0, math.sin(slow), math.cos(slow)]).double()
    torch.testing.assert_close(found[0, 3, :4], expected, atol=1e-5, rtol=0)
