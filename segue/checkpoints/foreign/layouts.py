"""How the same numbers are laid out elsewhere."""

from __future__ import annotations

import torch
from torch import Tensor


def merged_patches(x: Tensor) -> Tensor:
    """The inputs of Swin's patch merging, along the last axis: from (column, row, channel) to (channel, row, column).

    The original joins the four tokens of a square as top left, bottom left, top right, bottom right, each with all its
    channels. ``PatchMerging`` unfolds them, as published mmseg weights do: channel by channel, row by row.
    """
    return torch.unflatten(x, -1, (2, 2, -1)).transpose(-3, -1).flatten(-3)


def as_convolution(x: Tensor) -> Tensor:
    """The matrix (out, in) of a linear layer as that of a 1 x 1 convolution."""
    if x.ndim != 2:
        raise ValueError(f"a matrix was expected, not {tuple(x.shape)}")
    return x[:, :, None, None]


def transposed(x: Tensor) -> Tensor:
    """A matrix applied from the right, (in, out), as that of a linear layer."""
    return x.t()


def with_batch(x: Tensor) -> Tensor:
    """(N, C) as (1, N, C)."""
    return x.unsqueeze(0)


def as_token(x: Tensor) -> Tensor:
    """(C,) as (1, 1, C)."""
    return x.reshape(1, 1, -1)


def flat(x: Tensor) -> Tensor:
    """A vector that has axes of length 1 around it."""
    return x.flatten()


def joined_reversed(x: Tensor) -> Tensor:
    """A convolution of four maps of equal width, concatenated coarsest first, for maps that come finest first."""
    return torch.unflatten(x, 1, (4, -1)).flip(1).flatten(1, 2)
