"""FFN: the equation, and the names of its parameters."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from segue.layers.ffn import FFN


def test_the_equation() -> None:
    ffn, x = FFN(3, 5), torch.randn(2, 4, 3)
    first, second = ffn.layers[0][0], ffn.layers[1]
    assert torch.allclose(ffn(x), second(F.gelu(first(x))))


def test_names_of_three_layers() -> None:
    keys = [key for key in FFN(3, 5, num_fcs=3).state_dict() if key.endswith("weight")]
    assert keys == ["layers.0.0.weight", "layers.1.0.weight", "layers.2.weight"]
