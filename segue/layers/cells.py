"""The convolution of a map that was resized from a few cells, without that map."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from segue.layers.resize import row_matrix


def of_cells(cells: Tensor, weight: Tensor, size: Sequence[int], padding: Sequence[int], corners: bool) -> Tensor:
    """The convolution of ``cells`` (B, C, s, s) resized to ``size``, by ``weight`` (D, C, kh, kw): (B, D, H, W).

    out[y, x] = sum over taps (i, j) and cells (a, b) of R[y + i, a] S[x + j, b] (weight[i, j] . cells[a, b]), with the
    resizes R and S along the axes.
    """
    height, width, taps = cells.shape[2], cells.shape[3], weight.shape[2:]
    mixed = torch.einsum("dcij,ncab->ndiajb", weight.to(cells.dtype), cells).flatten(4).flatten(2, 3)
    down = _resized_taps(height, size[0], taps[0], padding[0], corners, cells)
    across = _resized_taps(width, size[1], taps[1], padding[1], corners, cells)
    return down @ mixed @ across.T


def _resized_taps(cells: int, pixels: int, taps: int, padding: int, corners: bool, like: Tensor) -> Tensor:
    """(H, taps * cells): which share each cell has in the pixel that each tap of a convolution sees at each place."""
    shares = F.pad(row_matrix(cells, pixels, corners).to(like), (0, 0, padding, padding))
    return torch.cat([shares[i : i + pixels + 2 * padding - taps + 1] for i in range(taps)], dim=1)
