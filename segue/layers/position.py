"""Where tokens are: position embeddings for other grids than the one they were learned on, and relative positions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.layers.resize import same_size
from segue.types import Size


def resize_position_embedding(embedding: Tensor, old: Size, new: Size, mode: str = "bicubic") -> Tensor:
    """Interpolate (1, extra + h * w, C), learned on the grid ``old``, to the grid ``new``.

    The first ``extra`` entries belong to class tokens and stay as they are.
    """
    if same_size(old, new):
        return embedding
    extra = embedding.shape[1] - old[0] * old[1]
    grid = torch.unflatten(embedding[:, extra:].transpose(1, 2), 2, old)
    grid = F.interpolate(grid, size=new, mode=mode, align_corners=False)
    return torch.cat([embedding[:, :extra], grid.flatten(2).transpose(1, 2)], dim=1)


def square_grid(length: int, extra: int = 0) -> Size | None:
    """The side of the square grid that ``length`` tokens, ``extra`` of them without a place, were learned on."""
    side = math.isqrt(max(length - extra, 0))
    return (side, side) if side * side == length - extra and side else None


def relative_position_index(window: Size, class_token: bool = False) -> Tensor:
    """For each pair of positions in a window, the row of the bias table that stands for their offset.

    (h * w, h * w) int64; offsets of (dy, dx) have row (dy + h - 1) * (2w - 1) + dx + w - 1. With a class token first,
    (1 + h * w, 1 + h * w): three more rows stand for token to patch, patch to token and token to itself.
    """
    h, w = window
    y, x = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
    y, x = y.flatten(), x.flatten()
    index = (y[:, None] - y[None] + h - 1) * (2 * w - 1) + x[:, None] - x[None] + w - 1
    if not class_token:
        return index
    rows = (2 * h - 1) * (2 * w - 1)
    full = torch.empty(h * w + 1, h * w + 1, dtype=torch.int64)
    full[1:, 1:] = index
    full[0, :] = rows
    full[:, 0] = rows + 1
    full[0, 0] = rows + 2
    return full


def resize_bias_table(table: Tensor, old: Size, new: Size) -> Tensor:
    """Interpolate a table of relative position biases (rows, heads) from windows of one size to another.

    Rows beyond the (2h - 1) * (2w - 1) offsets belong to a class token and stay as they are.
    """
    if same_size(old, new):
        return table
    span = (2 * old[0] - 1, 2 * old[1] - 1)
    count = span[0] * span[1]
    grid = torch.unflatten(table[:count].t(), 1, span).unsqueeze(0)
    grid = F.interpolate(grid, size=(2 * new[0] - 1, 2 * new[1] - 1), mode="bicubic", align_corners=False)
    return torch.cat([grid[0].flatten(1).t(), table[count:]])


def before_loading(module: nn.Module, fit: Callable[..., None]) -> None:
    """Call ``fit(module, state, prefix, ...)`` whenever weights are about to be loaded into the module."""
    register: Callable[..., Any] = module.register_load_state_dict_pre_hook  # which torch leaves without types
    register(fit)


def fit_position_embedding(state: dict[str, Tensor], key: str, own: Tensor, grid: Size, mode: str = "bicubic") -> None:
    """Resize the embedding in a state dict that is about to be loaded to that of the model, if it can be.

    ``own`` (1, extra + h * w, C) is the model's, learned on ``grid``; the other was learned on a square one.
    """
    given = state.get(key)
    if given is None or given.shape == own.shape or given.ndim != 3 or given.shape[2] != own.shape[2]:
        return
    old = square_grid(given.shape[1], own.shape[1] - grid[0] * grid[1])
    if old:
        state[key] = resize_position_embedding(given.float(), old, grid, mode).to(given.dtype)


def fit_bias_table(state: dict[str, Tensor], key: str, own: Tensor, window: Size) -> None:
    """The same for a table of relative position biases (rows, heads), from a square window."""
    given = state.get(key)
    if given is None or given.shape == own.shape or given.ndim != 2 or given.shape[1] != own.shape[1]:
        return
    extra = own.shape[0] - (2 * window[0] - 1) * (2 * window[1] - 1)
    span = square_grid(given.shape[0], extra)
    if span and span[0] % 2:
        side = (span[0] + 1) // 2
        state[key] = resize_bias_table(given.float(), (side, side), window).to(given.dtype)
