"""Minimal filtering is the convolution, with the rounding error of the direct one, at every size and dilation."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from segue.layers import winograd


@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize("size", [(1, 1), (4, 4), (5, 9), (13, 6)])
def test_it_is_the_convolution(size: tuple[int, int], dilation: int) -> None:
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, *size, generator=draw, dtype=torch.float64).float()
    weight, bias = torch.randn(5, 3, 3, 3, generator=draw), torch.randn(5, generator=draw)
    exact = F.conv2d(x.double(), weight.double(), bias.double(), 1, dilation, dilation)
    for given in (x, x.contiguous(memory_format=torch.channels_last)):
        found = winograd.convolved(given, winograd.transformed(weight), bias, dilation)
        assert found.shape == exact.shape and found.is_contiguous(memory_format=torch.channels_last)
        assert torch.allclose(found.double(), exact, atol=2e-5)
    alone = winograd.convolved(x[1:], winograd.transformed(weight), None, dilation) + bias[:, None, None]
    assert torch.equal(alone, found[1:])  # an image has the same numbers in a batch


def test_the_rounding_error_is_less_than_with_the_points_of_the_paper(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(1, 256, 24, 24, generator=draw).relu()
    weight = torch.randn(32, 256, 3, 3, generator=draw) / 48
    exact = F.conv2d(x.double(), weight.double(), padding=1)
    ours = (winograd.convolved(x, winograd.transformed(weight), None, 1) - exact).abs().max()
    assert ours < 2e-5 * exact.std()
    monkeypatch.setattr(winograd, "POINTS", (0.0, 1.0, -1.0, 2.0, -2.0))
    monkeypatch.setattr(winograd, "_transforms", winograd._transforms.__wrapped__)
    paper = (winograd.convolved(x, winograd.transformed(weight), None, 1) - exact).abs().max()
    assert 2 * ours < paper


def test_rows_are_computed_in_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = torch.Generator().manual_seed(0)
    x, weight = torch.randn(1, 2, 30, 9, generator=draw), torch.randn(2, 2, 3, 3, generator=draw)
    monkeypatch.setattr(winograd, "TILES", 3)
    found = winograd.convolved(x, winograd.transformed(weight), None, 1)
    assert torch.allclose(found, F.conv2d(x, weight, padding=1), atol=1e-5)


WIDE = nn.Conv2d(256, 256, 3, padding=1)


@pytest.mark.parametrize(
    ("conv", "worth"),
    [
        (WIDE, True),
        (nn.Conv2d(256, 256, 3, padding=2, dilation=2), True),
        (nn.Conv2d(256, 64, 3, padding=1), False),
        (nn.Conv2d(256, 256, 3), False),
        (nn.Conv2d(256, 256, 3, padding=1, stride=2), False),
        (nn.Conv2d(256, 512, 3, padding=1, groups=2), False),
        (nn.Conv2d(256, 256, 1), False),
        (nn.Conv2d(256, 256, 3, padding="same"), False),
        (nn.Conv2d(256, 256, 3, padding=1, padding_mode="reflect"), False),
        (nn.Conv2d(256, 256, 3, padding=(1, 2), dilation=(1, 2)), False),
        (nn.Conv2d(256, 256, 3, padding=40, dilation=40), False),
    ],
)
def test_where_it_is_worth_it(conv: nn.Conv2d, worth: bool) -> None:
    assert winograd.is_worth(conv, torch.zeros(1, 256, 48, 48)) is worth


def test_other_numbers_and_small_maps_go_the_direct_way() -> None:
    x = torch.zeros(1, 256, 48, 48)
    assert winograd.is_worth(WIDE, x)
    assert not winograd.is_worth(WIDE, x.double()) and not winograd.is_worth(WIDE, x.bfloat16())
    assert not winograd.is_worth(WIDE, x[..., :8, :8])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not winograd.is_worth(WIDE, x)
