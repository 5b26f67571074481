"""MixVisionTransformer: numbers from the goldens and a small model of the reference; sizes and messages here."""

from __future__ import annotations

import pytest
import torch

from segue.backbones.mix_vision_transformer import MixVisionTransformer
from segue.errors import InputError
from tests.goldens_check import check_golden, check_part


def test_numbers_of_the_reference() -> None:
    check_golden("segformer_b0")
    check_part("mit")


@pytest.mark.parametrize("size", [(32, 32), (33, 95)])
def test_any_size(size: tuple[int, int]) -> None:
    model = MixVisionTransformer(embed_dims=4, num_layers=(1, 1, 1, 1), with_cp=True)
    features = model(torch.randn(1, 3, *size))
    features[-1].sum().backward()
    assert [tuple(f.shape[1:]) for f in features] == [
        (4 * heads, -(-size[0] // stride), -(-size[1] // stride))
        for heads, stride in ((1, 4), (2, 8), (4, 16), (8, 32))
    ]


def test_messages() -> None:
    with pytest.raises(InputError, match="num_heads has 4 values; num_stages=3 needs 3"):
        MixVisionTransformer(num_stages=3, num_layers=(1, 1, 1))
    with pytest.raises(InputError, match=r"out_indices=\(0, 4\) with num_stages=4"):
        MixVisionTransformer(out_indices=(0, 4))
