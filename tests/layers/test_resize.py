"""resize: the two meanings of corners, on a row of two pixels."""

from __future__ import annotations

import torch

from segue.layers.resize import resize

ROW = torch.tensor([0.0, 1.0]).view(1, 1, 1, 2)


def test_corners() -> None:
    """Aligned: 0, 1/3, 2/3, 1. Not aligned: samples at -1/4, 1/4, 3/4, 5/4, clamped at the ends."""
    assert torch.allclose(resize(ROW, (1, 4), True).flatten(), torch.tensor([0, 1 / 3, 2 / 3, 1]))
    assert torch.allclose(resize(ROW, (1, 4)).flatten(), torch.tensor([0, 0.25, 0.75, 1]))


def test_same_size_is_the_same_tensor() -> None:
    assert resize(ROW, ROW.shape[-2:]) is ROW
