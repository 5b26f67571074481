"""The neck of ICNet; its numbers are held by the golden of the backbone."""

from __future__ import annotations

import pytest
import torch

from segue.errors import InputError
from segue.necks.ic import ICNeck


def test_sizes_follow_the_finer_map() -> None:
    """By definition: guided at 1/16 and 1/8, fused at 1/8."""
    neck = ICNeck((2, 4, 6), 8).eval()
    maps = [torch.randn(1, 2, 13, 17), torch.randn(1, 4, 7, 9), torch.randn(1, 6, 3, 4)]
    assert [tuple(out.shape) for out in neck(maps)] == [(1, 8, 7, 9), (1, 8, 13, 17), (1, 8, 13, 17)]


def test_needs_three_maps() -> None:
    """The message says so."""
    with pytest.raises(InputError, match="fuses 3 maps"):
        ICNeck((64, 256))
