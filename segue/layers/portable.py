"""Operations in forms that every exporter and runtime computes alike, whatever the size of the image.

``adaptive_avg_pool2d`` is otherwise exported for the one size that it was traced at, and ``grid_sample`` and bicubic
``interpolate`` with ``antialias`` become operators that runtimes disagree on.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def adaptive_average(x: Tensor, output_size: int | Sequence[int | None] | None) -> Tensor:
    """``torch.nn.functional.adaptive_avg_pool2d`` of (..., H, W) as two matrix products."""
    wanted = (output_size,) * 2 if output_size is None or isinstance(output_size, int) else tuple(output_size)
    height, width = (size if own is None else own for size, own in zip(x.shape[-2:], wanted, strict=True))
    if (height, width) == (1, 1):
        return x.mean(dim=(-2, -1), keepdim=True)
    return _shares(x.shape[-2], height, x) @ x @ _shares(x.shape[-1], width, x).transpose(0, 1)


def adaptive_maximum(x: Tensor, output_size: Sequence[int]) -> Tensor:
    """``torch.nn.functional.adaptive_max_pool2d`` of (..., H, W), rows first and then columns."""
    for cells in (output_size[0], output_size[1]):
        inside = _inside(x.shape[-2], cells, x.device)
        x = x.unsqueeze(-3).masked_fill(~inside.unsqueeze(-1), float("-inf")).amax(dim=-2).transpose(-1, -2)
    return x


def missing(size: int, side: int) -> int:
    """``-size % side``, what is missing to a multiple, in a form that adds up to it where sizes are symbols.

    Remainders of remainders would grow with every layer. And nothing negative is divided: files round such quotients
    toward 0, Python rounds them down.
    """
    return (size + side - 1) // side * side - size


def window_average(x: Tensor, window: int, stride: Sequence[int]) -> Tensor:
    """``avg_pool2d`` of (B, C, H, W) in windows of that side, at most the map's, as matrix products."""
    down = _windows(x.shape[-2], window, stride[0], x)
    across = _windows(x.shape[-1], window, stride[1], x)
    return down @ x @ across.transpose(0, 1)


def resized(x: Tensor, size: Sequence[int], aligned: int) -> Tensor:
    """``interpolate`` of (B, C, H, W) to (B, C, *size), bilinearly, as matrix products.

    ``aligned`` is ``align_corners`` as 1 or 0, which need not be known before the size of the image is.
    """
    down = _shares_of_pixels(x.shape[-2], size[0], aligned, x)
    return down @ x @ _shares_of_pixels(x.shape[-1], size[1], aligned, x).transpose(0, 1)


def antialiased(x: Tensor, size: Sequence[int]) -> Tensor:
    """Bicubic ``interpolate`` with ``antialias`` of (B, C, H, W) to (B, C, *size), as matrix products.

    The kernel is Keys' with a = -0.5, as wide as a wanted pixel where that is larger.
    """
    down = _shares_of_kernel(x.shape[-2], size[0], x)
    return down @ x @ _shares_of_kernel(x.shape[-1], size[1], x).transpose(0, 1)


def _shares_of_kernel(pixels: int, wanted: int, like: Tensor) -> Tensor:
    """(wanted, pixels): shares of pixels by their distance from the centre of each wanted one."""
    place = torch.arange(wanted, device=like.device)[:, None].to(like.dtype)
    pixel = torch.arange(pixels, device=like.device)[None].to(like.dtype)
    scale = torch.ones_like(place) * pixels / wanted
    away = (((place + 0.5) * scale - pixel - 0.5) / scale.clamp(min=1)).abs()
    near, far = (1.5 * away - 2.5) * away * away + 1, ((-0.5 * away + 2.5) * away - 4) * away + 2
    shares = torch.where(away < 1, near, torch.where(away < 2, far, torch.zeros_like(away)))
    return shares / shares.sum(dim=1, keepdim=True)


def _shares_of_pixels(pixels: int, wanted: int, aligned: int, like: Tensor) -> Tensor:
    """(wanted, pixels): shares of the two pixels that lie around each wanted one."""
    place = torch.arange(wanted, device=like.device)[:, None].to(like.dtype)
    ones = torch.ones_like(place)
    corners = place * (ones * (pixels - 1)) / (ones * (wanted - 1)).clamp(min=1)
    edges = ((place + 0.5) * (ones * pixels) / (ones * wanted) - 0.5).clamp(min=0)
    source = torch.minimum(corners * aligned + edges * (1 - aligned), ones * (pixels - 1))
    pixel = torch.arange(pixels, device=like.device)[None].to(like.dtype)
    return (1 - (source - pixel).abs()).clamp(min=0)


def _windows(pixels: int, window: int, stride: int, like: Tensor) -> Tensor:
    """(windows, pixels): shares of pixels in windows that begin at every ``stride`` pixels."""
    side = torch.sym_min(window, pixels)  # type: ignore[no-untyped-call]
    first = torch.arange((pixels - side) // stride + 1, device=like.device)[:, None] * stride
    pixel = torch.arange(pixels, device=like.device)[None]
    shares: Tensor = ((pixel >= first) & (pixel < first + side)).to(like.dtype) / side
    return shares


def _shares(pixels: int, cells: int, like: Tensor) -> Tensor:
    """(cells, pixels): shares of pixels in cells; cell i of c goes from floor(i n / c) to ceil((i + 1) n / c)."""
    inside = _inside(pixels, cells, like.device).to(like.dtype)
    return inside / inside.sum(dim=1, keepdim=True)


def _inside(pixels: int, cells: int, device: torch.device) -> Tensor:
    """(cells, pixels): which pixels are in which cells."""
    pixel = torch.arange(pixels, device=device)[None]
    cell = torch.arange(cells, device=device)[:, None]
    first, end = (cell * pixels) // cells, ((cell + 1) * pixels + cells - 1) // cells
    return (pixel >= first) & (pixel < end)


def grid_sample(
    x: Tensor, grid: Tensor, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None
) -> Tensor:
    """``torch.nn.functional.grid_sample`` of (B, C, H, W) at (B, h, w, 2) as sums of gathered pixels: (B, C, h, w).

    Raises:
        NotImplementedError: a mode other than bilinear and nearest, or a padding other than zeros.
    """
    if padding_mode != "zeros" or mode not in ("bilinear", "nearest") or x.ndim != 4:
        raise NotImplementedError(f"grid_sample with mode={mode!r}, padding_mode={padding_mode!r} of {x.ndim} axes")
    height, width = x.shape[2], x.shape[3]
    if align_corners:
        column, row = (grid[..., 0] + 1) / 2 * (width - 1), (grid[..., 1] + 1) / 2 * (height - 1)
    else:
        column, row = ((grid[..., 0] + 1) * width - 1) / 2, ((grid[..., 1] + 1) * height - 1) / 2
    if mode == "nearest":
        return _pixels(x, column.round(), row.round())
    left, top = column.floor(), row.floor()
    right, below = (column - left).unsqueeze(1), (row - top).unsqueeze(1)  # shares of the pixels there
    upper = _pixels(x, left, top) * (1 - right) + _pixels(x, left + 1, top) * right
    lower = _pixels(x, left, top + 1) * (1 - right) + _pixels(x, left + 1, top + 1) * right
    return upper * (1 - below) + lower * below


def _pixels(x: Tensor, column: Tensor, row: Tensor) -> Tensor:
    """Pixels of (B, C, H, W) at whole places (B, h, w), zeros outside: (B, C, h, w)."""
    height, width = x.shape[2], x.shape[3]
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    # Not by clamping: torch's exporter mixes up clamps to sizes that are free where there are several.
    nowhere = torch.zeros_like(row)
    index = torch.where(inside, row, nowhere).long() * width + torch.where(inside, column, nowhere).long()
    flat = index.flatten(1).unsqueeze(1).expand(-1, x.shape[1], -1)
    found = x.flatten(2).gather(2, flat)
    found = torch.unflatten(found, 2, (column.shape[1], column.shape[2]))
    return found * inside.unsqueeze(1).to(x.dtype)
