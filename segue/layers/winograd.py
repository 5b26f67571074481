"""3 x 3 convolutions with a quarter of the products: Winograd's minimal filtering.

Lavin and Gray 2016, arXiv:1509.09308. Each 4 x 4 pixels of the output are A' [(G g G') * (B' d B)] A, of the 6 x 6
pixels d of the input around them and the filter g. The product * is one for each of 36 places, and summing it over
channels is a matrix product. A dilated convolution is an undilated one of each phase, which is what every
``dilation``-th row and column shows.

The matrices follow from five points at which polynomials are evaluated. Those of the paper, 0, 1, -1, 2 and -2, have
three times the largest rounding error of these: 8e-6 of outputs of deviation 0.6, of 256 channels; directly, 1e-6.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

#: pixels that a tile gives, and those that it reads, along an axis
GIVEN, READ = 4, 6
POINTS = (0.0, 0.75, -0.75, 1.5, -1.5)
#: tiles that are computed at once for each thread, so that what lies between two steps stays in the processor's cache
TILES = 64
#: input and output channels, and tiles of a map, from which this takes less time than the direct way: 1.3 to 2.6 times
#: less on two cores with AVX-512 (benchmarks/winograd.py)
WORTH_CHANNELS, WORTH_TILES = 256, 64


def is_worth(conv: nn.Conv2d, x: Tensor) -> bool:
    """Whether ``conv`` of ``x`` (B, C, H, W), which may lack its last channels, takes less time this way."""
    if conv.padding_mode != "zeros" or conv.kernel_size != (3, 3):
        return False
    return suits(x, conv.out_channels, conv.stride, conv.padding, conv.dilation, conv.groups)


def suits(x: Tensor, outputs: int, stride: Any, padding: Any, dilation: Any, groups: int) -> bool:
    """The same of a 3 x 3 convolution with these values, as ``F.conv2d`` takes them."""
    if x.dtype != torch.float32 or x.device.type != "cpu" or torch.is_autocast_enabled("cpu"):
        return False
    apart = both(dilation)
    if groups != 1 or both(stride) != (1, 1) or apart[0] != apart[1] or both(padding) != apart:
        return False
    down, across = _tiles(x, apart[0])
    tiles = down * across * apart[0] ** 2
    given = x.shape[-2] * x.shape[-1] / (tiles * GIVEN**2)  # the rest is beyond the border
    return min(x.shape[1], outputs) >= WORTH_CHANNELS and tiles >= WORTH_TILES and given >= 0.6


def both(value: Any) -> tuple[Any, ...]:
    """Of both axes: 1, (1,) and (1, 1) are (1, 1)."""
    values = (value,) if isinstance(value, (int, str)) else tuple(value)
    return values * 2 if len(values) == 1 else values


def transformed(weight: Tensor) -> Tensor:
    """The filters (K, C, 3, 3) at the 36 places, float32 (36, C, K): four times the memory of ``weight``."""
    _, filters, _ = _transforms()
    outputs, channels, *_ = weight.shape
    found = weight.new_empty(READ**2, channels, outputs, dtype=torch.float32)
    for first in range(0, channels, 64):  # exact numbers of all channels would take much memory for a moment
        part = weight.detach()[:, first : first + 64].double().permute(2, 3, 1, 0).reshape(9, -1)
        found[:, first : first + 64] = (filters @ part).view(READ**2, -1, outputs)
    return found


def convolved(x: Tensor, filters: Tensor, bias: Tensor | None, dilation: int) -> Tensor:
    """The convolution of (B, C, H, W), padded by ``dilation`` zeros, with `transformed` filters: (B, K, H, W)."""
    batch, _, height, width = x.shape
    down, across = _tiles(x, dilation)
    found = x.new_empty(batch, down * GIVEN * dilation, across * GIVEN * dilation, filters.shape[2])
    read, given = _read(x, dilation), _phases(found, down, across, GIVEN, dilation)
    rows = _rows(across, dilation)
    scratch = _Scratch(x, min(rows, down) * dilation * across, filters)
    for tiles, pixels in _groups(read, given, rows):
        pixels.copy_(scratch.pixels_of(tiles).view(pixels.shape))
    inside = found[:, :height, :width]
    return (inside.contiguous() if bias is None else inside + bias).permute(0, 3, 1, 2)


def weight_gradient(x: Tensor, gradient: Tensor, dilation: int) -> Tensor:
    """Of a loss by the weight (K, C, 3, 3), from its gradient (B, K, H, W) by the convolution of ``x`` (B, C, H, W).

    The backward pass of what `convolved` does, which has as few products: G' [sum over tiles of (B' d B) * (A y A')] G.
    """
    channels, outputs = x.shape[1], gradient.shape[1]
    height, width = x.shape[-2:]
    down, across = _tiles(x, dilation)
    lacking = (0, across * GIVEN * dilation - width, 0, down * GIVEN * dilation - height)
    pixels = F.pad(gradient, lacking).permute(0, 2, 3, 1).contiguous()
    rows = _rows(across, dilation)
    most = min(rows, down) * dilation * across
    before, filters, after = (matrix.to(x.dtype) for matrix in _transforms())
    read, spread = (x.new_empty(READ**2 * most * channels) for _ in range(2))
    given, product = (x.new_empty(side**2 * most * outputs) for side in (GIVEN, READ))
    total = x.new_zeros(READ**2, channels, outputs)
    for tiles, part in _groups(_read(x, dilation), _phases(pixels, down, across, GIVEN, dilation), rows):
        count = math.prod(tiles.shape[2:-1])
        one = read[: tiles.numel()].view(tiles.shape).copy_(tiles).view(READ**2, -1)
        other = given[: part.numel()].view(part.shape).copy_(part).view(GIVEN**2, -1)
        one = torch.mm(before, one, out=spread[: one.numel()].view_as(one)).view(-1, count, channels)
        other = torch.mm(after.t(), other, out=product[: READ**2 * count * outputs].view(READ**2, -1))
        torch.baddbmm(total, one.transpose(1, 2), other.view(-1, count, outputs), out=total)
    found = filters.t() @ total.view(READ**2, -1)
    return found.view(3, 3, channels, outputs).permute(3, 2, 0, 1).contiguous()


def _read(x: Tensor, dilation: int) -> Tensor:
    """(B, C, H, W), padded by ``dilation`` zeros, in overlapping tiles as `_phases` gives them."""
    height, width = x.shape[-2:]
    down, across = _tiles(x, dilation)
    below = (down * GIVEN + 2) * dilation - height - dilation
    right = (across * GIVEN + 2) * dilation - width - dilation
    padded = F.pad(x, (dilation, right, dilation, below)).permute(0, 2, 3, 1).contiguous()
    return _phases(padded, down, across, READ, dilation)


def _rows(across: int, dilation: int) -> int:
    """Rows of tiles that are computed at once."""
    return max(1, TILES * torch.get_num_threads() // (dilation * across))


def _groups(one: Tensor, other: Tensor, rows: int) -> Iterator[tuple[Tensor, Tensor]]:
    """The same tiles of two maps in `_phases`, some rows of one phase of an image at a time: (side, side, ..., C)."""
    images, phases, _, down = one.shape[:4]
    for image in range(images):
        for phase in range(phases):
            for row in range(0, down, rows):
                first, second = (x[image, phase, :, row : row + rows].permute(3, 4, 0, 1, 2, 5) for x in (one, other))
                yield first, second


class _Scratch:
    """Memory that is used for one group of tiles after another: to get it anew each time takes longer than to compute.

    Args:
        like: of this type, and at this device.
        tiles: at most these many at once.
        filters: as `transformed` gives them.
    """

    def __init__(self, like: Tensor, tiles: int, filters: Tensor) -> None:
        self.filters = filters
        self.before, _, self.after = (matrix.to(like.dtype) for matrix in _transforms())
        _, self.channels, self.outputs = filters.shape
        self._read = like.new_empty(READ**2 * tiles * self.channels)
        self._spread = torch.empty_like(self._read)
        self._product = like.new_empty(READ**2 * tiles * self.outputs)
        self._given = like.new_empty(GIVEN**2 * tiles * self.outputs)

    def pixels_of(self, tiles: Tensor) -> Tensor:
        """(6, 6, ..., C) to (16, ... x K)."""
        read = self._read[: tiles.numel()].view(tiles.shape).copy_(tiles).view(READ**2, -1)
        spread = torch.mm(self.before, read, out=self._spread[: read.numel()].view_as(read))
        spread = spread.view(READ**2, -1, self.channels)
        product = self._product[: spread[..., 0].numel() * self.outputs].view(READ**2, -1, self.outputs)
        product = torch.bmm(spread, self.filters, out=product).view(READ**2, -1)
        return torch.mm(self.after, product, out=self._given[: GIVEN**2 * product.shape[1]].view(GIVEN**2, -1))


def _tiles(x: Tensor, dilation: int) -> tuple[int, int]:
    """How many tiles of (B, C, H, W) lie down and across each phase."""
    height, width = (math.ceil(math.ceil(size / dilation) / GIVEN) for size in x.shape[-2:])
    return height, width


def _phases(x: Tensor, down: int, across: int, side: int, dilation: int) -> Tensor:
    """(B, H, W, C) as (B, phase, phase, down, across, side, side, C), which begin every 4 pixels of a phase."""
    image, row, column, _ = x.stride()
    shape = (x.shape[0], dilation, dilation, down, across, side, side, x.shape[3])
    step = GIVEN * dilation
    return x.as_strided(shape, (image, row, column, row * step, column * step, row * dilation, column * dilation, 1))


@cache
def _transforms() -> tuple[Tensor, Tensor, Tensor]:
    """B' of both axes (36, 36), G of both (36, 9) and A' of both (16, 36), float64.

    With points p, M(x) = prod (x - p) and N_p = prod over the others q of (p - q), a row of B' is M(x) / (x - p), one
    of G is (1, p, p²) / N_p, and a column of A' is (1, p, p², p³); the sixth point is at infinity.
    """
    points = torch.tensor(POINTS, dtype=torch.float64)
    before, filters = torch.zeros(READ, READ, dtype=torch.float64), torch.zeros(READ, 3, dtype=torch.float64)
    after = torch.zeros(GIVEN, READ, dtype=torch.float64)
    for i, point in enumerate(points):
        others = torch.cat([points[:i], points[i + 1 :]])
        before[i, :-1] = _product_of(others)
        filters[i] = point ** torch.arange(3) / (point - others).prod()
        after[:, i] = point ** torch.arange(GIVEN)
    before[-1] = _product_of(points)
    filters[-1, -1] = after[-1, -1] = 1
    return torch.kron(before, before), torch.kron(filters, filters), torch.kron(after, after)


def _product_of(roots: Tensor) -> Tensor:
    """The coefficients of prod (x - root), the constant one first."""
    found = torch.ones(1, dtype=torch.float64)
    for root in roots:
        found = F.pad(found, (1, 0)) - root * F.pad(found, (0, 1))
    return found
