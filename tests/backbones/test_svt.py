"""SVT: numbers from the goldens and a small model of the reference; padded windows by hand; messages here."""

from __future__ import annotations

import pytest
import torch

from segue.backbones.svt import SVT, LocallyGroupedAttention
from segue.errors import InputError
from tests.goldens_check import check_golden, check_part


def test_numbers_of_the_reference() -> None:
    check_golden("twins_svt-s")
    check_part("svt")


@pytest.mark.parametrize("size", [(2, 3), (3, 2), (3, 3), (1, 4)])
def test_padding_is_not_attended_to(size: tuple[int, int]) -> None:
    """In windows of 2, each window's real tokens give what attention among them alone gives, also where only one of
    height and width is padded.
    """
    torch.manual_seed(0)
    attention = LocallyGroupedAttention(4, 2, window_size=2, qkv_bias=True, attn_drop=0.0, proj_drop=0.0)
    h, w = size
    x = torch.randn(2, h * w, 4)
    out = attention.attend(x, size).view(2, h, w, 4)
    for top in range(0, h, 2):
        for left in range(0, w, 2):
            window = x.view(2, h, w, 4)[:, top : top + 2, left : left + 2]
            alone = attention(window.flatten(1, 2)).view(window.shape)
            assert torch.allclose(out[:, top : top + 2, left : left + 2], alone, atol=1e-6)


def test_messages() -> None:
    with pytest.raises(InputError, match="SVT: windiow_sizes has 2 values, and depths 3"):
        SVT(windiow_sizes=(7, 7))
