"""Position encodings that are not learned: sines and cosines of y and x (DETR, arXiv:2005.12872, appendix A.4)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from segue.types import Size


@dataclass(frozen=True, kw_only=True)
class SinePositionalEncoding:
    """The encoding of a grid; calling it with a size makes the tensor.

    Attributes:
        num_feats: channels for y, and as many for x.
        temperature: the longest wave has about this many positions.
        normalize: measure positions in the grid's height and width, times ``scale``; False: count them from 1.
        scale, eps, offset: of the normalized positions ``scale * (position + offset) / (last + eps)``.
    """

    num_feats: int = 128
    temperature: float = 10000
    normalize: bool = False
    scale: float = 2 * math.pi
    eps: float = 1e-6
    offset: float = 0.0

    def __call__(self, size: Size, like: Tensor) -> Tensor:
        """(1, H * W, 2 * num_feats): y's channels, then x's; on the device and of the type of ``like``."""
        channel = torch.arange(self.num_feats, dtype=torch.float32, device=like.device)
        period = self.temperature ** (2 * (channel // 2) / self.num_feats)
        y, x = (self._waves(length, period) for length in size)
        grid = torch.cat([y[:, None].expand(-1, size[1], -1), x[None].expand(size[0], -1, -1)], dim=2)
        return grid.flatten(0, 1).unsqueeze(0).to(like.dtype)

    def _waves(self, length: int, period: Tensor) -> Tensor:
        """(length, num_feats): sines in even channels, cosines in odd ones."""
        position = torch.arange(1, length + 1, dtype=torch.float32, device=period.device)
        if self.normalize:
            position = self.scale * (position + self.offset) / (length + self.eps)
        angle = position[:, None] / period
        return torch.stack([angle[:, 0::2].sin(), angle[:, 1::2].cos()], dim=2).flatten(1)


#: the one that DETR and its descendants use
NORMALIZED = SinePositionalEncoding(normalize=True)
