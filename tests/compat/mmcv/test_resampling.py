"""Filters and correlation. Oracles: torch's convolutions and interpolation, and sums worked by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from segue.compat.mmcv import resampling as ops

IMAGE = torch.arange(24.0).reshape(1, 2, 3, 4)
BOX = torch.ones(2, 2) / 4


def test_the_parts() -> None:
    """Zeros between pixels, padding and cropping, every second pixel, and a factor."""
    up = ops.upfirdn2d(IMAGE, None, up=2)
    assert up[0, 0, :2].tolist() == [[0, 0, 1, 0, 2, 0, 3, 0], [0] * 8]
    assert ops.upfirdn2d(IMAGE, None, down=(2, 1), gain=2)[0, 0, 1].tolist() == [8, 12]
    cropped = ops.upfirdn2d(IMAGE, None, padding=(-1, 0, 1, -2))
    assert cropped[0, 0].tolist() == [[0, 0, 0], [1, 2, 3]]


@pytest.mark.parametrize("flip", [True, False])
def test_filters(flip: bool) -> None:
    kernel = torch.randn(3, 3, generator=torch.Generator().manual_seed(0))
    used = (kernel if flip else kernel.flip(0, 1)).expand(2, 1, 3, 3)
    expected = F.conv2d(IMAGE, used, padding=1, groups=2)
    torch.testing.assert_close(ops.filter2d(IMAGE, kernel, flip_filter=flip), expected)
    row = torch.tensor([1.0, 2.0, 5.0])
    torch.testing.assert_close(
        ops.filter2d(IMAGE, row, flip_filter=flip, gain=4), 4 * ops.filter2d(IMAGE, row.outer(row), flip_filter=flip)
    )


def test_enlarging() -> None:
    """A box filter repeats pixels."""
    torch.testing.assert_close(ops.upsample2d(IMAGE, BOX), F.interpolate(IMAGE, scale_factor=2))


def test_bias_and_activation() -> None:
    x = torch.tensor([[-1.0, 3.0]])
    assert ops.bias_act(x, torch.tensor([1.0, 1.0]), act="relu").tolist() == [[0, pytest.approx(4 * math.sqrt(2))]]
    assert ops.bias_act(x, act="lrelu", alpha=0.5, gain=1, clamp=2).tolist() == [[-0.5, 2]]
    torch.testing.assert_close(ops.bias_act(x, act="swish", gain=1), F.silu(x))
    with pytest.raises(AssertionError, match="act='x'"):
        ops.bias_act(x, act="x")


def test_filtered_lrelu() -> None:
    """Without filters that mix pixels it is a leaky ReLU with a bias."""
    x = torch.randn(1, 2, 4, 4)
    bias = torch.tensor([0.3, -0.2])
    expected = F.leaky_relu(x + bias[:, None, None], 0.2) * math.sqrt(2)
    torch.testing.assert_close(ops.filtered_lrelu(x, bias=bias), expected)
    both = ops.filtered_lrelu(x, BOX, BOX, bias, up=2, down=2, padding=(1, 0, 1, 0))
    torch.testing.assert_close(both, expected)


def test_correlation() -> None:
    """The second map is the first, moved right by one: it fits best, with the sum of squares, at that place."""
    first = torch.randn(1, 4, 5, 6, generator=torch.Generator().manual_seed(1))
    second = first.roll(1, 3)
    found = ops.Correlation(max_displacement=1)(first, second)
    assert found.shape == (1, 3, 3, 5, 6)
    torch.testing.assert_close(found[0, 1, 2, :, :-1], first.square().sum(1)[0, :, :-1])
    torch.testing.assert_close(found[0, 1, 1], (first * second).sum(1)[0])
    assert found[0, 0, :, 0].eq(0).all(), "above the first row there is nothing"
    windows = ops.Correlation(3, 1, stride=2, padding=1, dilation_patch=2)(first, second)
    expected = F.avg_pool2d(F.pad((first * second).sum(1, keepdim=True), [1] * 4), 3, 2) * 9
    assert windows.shape == (1, 3, 3, 3, 3)
    torch.testing.assert_close(windows[:, 1, 1], expected[:, 0])
