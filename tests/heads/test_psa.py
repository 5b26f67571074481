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


@pytest.mark.parametrize(("psa_type", "expected"), [("collect", [7.0, 24.0]), ("distribute", [37.0, 21.0])])
def test_compact_masks_by_hand(psa_type: str, expected: list[float]) -> None:
    """Pixels 1 and 10. Pixel 0 predicts weights (-3, 1) for both, pixel 1 (4, 2).

    Collecting, pixel 0 gets -3 * 1 + 1 * 10 and pixel 1 gets 4 * 1 + 2 * 10. Distributing, pixel 0 gets what the two
    have for it, -3 * 1 + 4 * 10, and pixel 1 gets 1 * 1 + 2 * 10.
    """
    options = HeadOptions(in_channels=1, channels=1, num_classes=2)
    head = PSAHead(options, mask_size=(1, 2), psa_type=psa_type, compact=True, shrink_factor=1, psa_softmax=False)  # type: ignore[arg-type]
    pixels = torch.tensor([1.0, 10.0]).view(1, 1, 1, 2)
    masks = torch.tensor([[-3.0, 4.0], [1.0, 2.0]]).view(1, 2, 1, 2)
    assert head.gather(pixels, masks, psa_type == "distribute").flatten().tolist() == expected
