"""The forms for exports equal torch's own operations."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from segue.layers.portable import (
    adaptive_average,
    adaptive_maximum,
    antialiased,
    grid_sample,
    missing,
    resized,
    window_average,
)


@pytest.mark.parametrize("size", [1, 2, 3, 6, (3, 5), (None, 4), 20])
@pytest.mark.parametrize("shape", [(2, 3, 16, 24), (1, 2, 13, 17), (1, 1, 5, 40)])
def test_adaptive_average(size, shape) -> None:
    x = torch.randn(shape)
    assert torch.allclose(adaptive_average(x, size), F.adaptive_avg_pool2d(x, size), atol=1e-6)


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
@pytest.mark.parametrize("align_corners", [False, True])
def test_grid_sample(mode: str, align_corners: bool) -> None:
    """Inside and outside; of nearest, points that are not half-way, where rounding decides."""
    x, grid = torch.randn(2, 3, 9, 14), torch.rand(2, 5, 7, 2) * 2.6 - 1.3
    wanted = F.grid_sample(x, grid, mode=mode, padding_mode="zeros", align_corners=align_corners)
    assert torch.allclose(grid_sample(x, grid, mode=mode, align_corners=align_corners), wanted, atol=1e-6)


def test_what_grid_sample_does_not_do() -> None:
    with pytest.raises(NotImplementedError, match="padding_mode='border'"):
        grid_sample(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 1, 2), padding_mode="border")


@pytest.mark.parametrize("shape", [(2, 3, 64, 90), (1, 2, 49, 20), (1, 1, 5, 131)])
def test_window_average(shape) -> None:
    """Windows of 49 at every 16 rows and 20 columns, or of the whole side where it is shorter."""
    x = torch.randn(shape)
    wanted = F.avg_pool2d(x, (min(49, shape[2]), min(49, shape[3])), (16, 20))
    assert torch.allclose(window_average(x, 49, (16, 20)), wanted, atol=1e-6)


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("size", [(4, 5), (3, 1), (7, 9), (14, 20)])
def test_resized(size: tuple[int, int], aligned: bool) -> None:
    x = torch.randn(2, 3, 7, 9)
    right = F.interpolate(x, size=size, mode="bilinear", align_corners=aligned)
    torch.testing.assert_close(resized(x, size, int(aligned)), right, rtol=0, atol=3e-6)


@pytest.mark.parametrize("size", [(4, 6), (7, 50), (37, 37), (1, 1), (90, 3)])
def test_antialiased(size: tuple[int, int]) -> None:
    x = torch.randn(2, 3, 37, 20, generator=torch.Generator().manual_seed(0))
    right = F.interpolate(x, size=size, mode="bicubic", antialias=True)
    torch.testing.assert_close(antialiased(x, size), right, rtol=0, atol=3e-6)


def test_missing() -> None:
    assert [missing(size, 4) for size in range(1, 9)] == [-size % 4 for size in range(1, 9)]


@pytest.mark.parametrize("size", [(3, 4), (7, 9), (1, 1), (10, 5)])
def test_adaptive_maximum(size: tuple[int, int]) -> None:
    x = torch.randn(2, 3, 7, 9)
    assert torch.equal(adaptive_maximum(x, size), F.adaptive_max_pool2d(x, size))
