"""Stochastic depth (Huang et al. 2016, arXiv:1603.09382): leave out residual branches of single samples in training."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class DropPath(nn.Module):
    """Zero the branch of each sample with probability ``drop_prob``; scale the kept ones so that the mean stays."""

    def __init__(self, drop_prob: float = 0.0) -> None:
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, x: Tensor) -> Tensor:
        """(B, ...) to the same shape."""
        if self.drop_prob == 0.0 or not self.training:
            return x
        keep = 1.0 - self.drop_prob
        mask = x.new_empty((x.shape[0],) + (1,) * (x.ndim - 1)).bernoulli_(keep)
        return x * mask / keep


def drop_path_rates(rate: float, depth: int) -> list[float]:
    """The rates of ``depth`` blocks: growing linearly from 0 to ``rate``."""
    return torch.linspace(0, rate, depth, dtype=torch.float64).tolist()
