"""Standardized and switchable convolutions. Oracle: their formulas, written with torch's own functions."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from segue.compat.mmcv.standardized import ConvAWS2d, SAConv2d


def test_standardized_weights() -> None:
    """Instance normalization of the weights, with the unbiased variance."""
    torch.manual_seed(0)
    conv, x = ConvAWS2d(3, 4, 3, padding=1), torch.randn(1, 3, 5, 5)
    flat = conv.weight.flatten(1)
    expected = ((flat - flat.mean(1, keepdim=True)) / (flat.var(1, keepdim=True) + 1e-5).sqrt()).view_as(conv.weight)
    torch.testing.assert_close(conv(x), F.conv2d(x, expected, conv.bias, padding=1))


def test_weights_of_a_plain_convolution_compute_the_same() -> None:
    torch.manual_seed(0)
    plain, conv, x = nn.Conv2d(3, 4, 3), ConvAWS2d(3, 4, 3), torch.randn(1, 3, 5, 5)
    conv.load_state_dict(plain.state_dict())
    torch.testing.assert_close(conv(x), plain(x))
    again = ConvAWS2d(3, 4, 3)
    again.load_state_dict(conv.state_dict())
    torch.testing.assert_close(again(x), plain(x))


@pytest.mark.parametrize("deform", [False, True])
def test_switches(deform: bool) -> None:
    """At first the switch is 1 everywhere: the near rate alone; half of it mixes both. Offsets begin with zero."""
    torch.manual_seed(0)
    conv, x = SAConv2d(4, 6, 3, padding=1, bias=False, use_deform=deform), torch.randn(1, 4, 8, 8)
    weight = conv._get_weight(conv.weight)
    near, far = F.conv2d(x, weight, padding=1), F.conv2d(x, weight, padding=3, dilation=3)
    torch.testing.assert_close(conv(x), near, rtol=1e-4, atol=1e-5)
    nn.init.constant_(conv.switch.bias, 0.25)
    torch.testing.assert_close(conv(x), near / 4 + far * 3 / 4, rtol=1e-4, atol=1e-5)


def test_contexts() -> None:
    """What the means give is added before and after."""
    torch.manual_seed(0)
    conv, x = SAConv2d(2, 2, 3, padding=1), torch.randn(1, 2, 6, 6)
    nn.init.eye_(conv.pre_context.weight.data[:, :, 0, 0])
    nn.init.eye_(conv.post_context.weight.data[:, :, 0, 0])
    inner = F.conv2d(x + x.mean((2, 3), keepdim=True), conv._get_weight(conv.weight), conv.bias, padding=1)
    torch.testing.assert_close(conv(x), inner + inner.mean((2, 3), keepdim=True))
