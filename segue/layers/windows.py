"""Feature maps cut into square windows, and put together again."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from segue.layers.portable import missing
from segue.types import Size


def pad_to_multiple(x: Tensor, side: int) -> Tensor:
    """Zero-pad (B, H, W, C) at the bottom and the right until ``side`` divides H and W."""
    h, w = x.shape[1:3]
    rows, columns = missing(h, side), missing(w, side)
    if not torch.compiler.is_exporting() and not (rows or columns):  # an export is for every size
        return x
    return F.pad(x, (0, 0, 0, columns, 0, rows))


def to_windows(x: Tensor, side: int) -> Tensor:
    """(B, H, W, C), whose height and width ``side`` divides, to (B * windows, side * side, C)."""
    x = torch.unflatten(torch.unflatten(x, 2, (-1, side)), 1, (-1, side))
    return x.transpose(2, 3).flatten(3, 4).flatten(0, 2)


def from_windows(x: Tensor, side: int, size: Size) -> Tensor:
    """The reverse: (B * windows, side * side, C) to (B, *size, C)."""
    rows, columns = size[0] // side, size[1] // side
    x = torch.unflatten(torch.unflatten(x, 0, (-1, rows, columns)), 3, (side, side))
    return x.transpose(2, 3).flatten(3, 4).flatten(1, 2)
