"""PSAHead: numbers of the reference; masks placed by gathering against a loop."""

from __future__ import annotations

import pytest
import torch

from segue.errors import InputError
from segue.heads.psa import PSAHead, place_masks
from segue.layers.decode_head import HeadOptions
from tests.goldens_check import check_golden, check_heads


@pytest.mark.slow
def test_numbers_of_the_reference() -> None:
    check_golden("psanet_r50")


def test_variants_of_the_reference() -> None:
    """Single directions, even masks, odd feature maps, no shrinking, compact masks in both directions."""
    check_heads("psa-one", "psa-dist", "psa-even", "psa-b")


@pytest.mark.parametrize("mask_size", [(3, 5), (7, 7), (4, 2)])
def test_placing_against_a_loop(mask_size: tuple[int, int]) -> None:
    """Weight (a, b) of position (y, x) belongs to position (y + a - (MH - 1) // 2, x + b - (MW - 1) // 2)."""
    h, w, (mh, mw) = 3, 4, mask_size
    masks = torch.randn(2, mh * mw, h, w)
    expected = torch.zeros(2, h * w, h * w)
    for y in range(h):
        for x in range(w):
            for a in range(mh):
                for b in range(mw):
                    i, j = y + a - (mh - 1) // 2, x + b - (mw - 1) // 2
                    if 0 <= i < h and 0 <= j < w:
                        expected[:, i * w + j, y * w + x] = masks[:, a * mw + b, y, x]
    assert torch.equal(place_masks(masks, mask_size), expected)


def test_compact_masks_fit_one_size() -> None:
    head = PSAHead(HeadOptions(in_channels=4, channels=4, num_classes=2), mask_size=(3, 3), compact=True)
    with pytest.raises(InputError, match="here \\(4, 4\\); compact=False takes any size"):
        head([torch.randn(1, 4, 8, 8)])
