"""Residuals to learned codewords, aggregated over the image (Deep TEN, arXiv:1612.02844)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Encoding(nn.Module):
    """Soft assignment of pixels to codewords, and the sum of what is left (arXiv:1803.08904, equation 1).

    Args:
        channels: C, of the input.
        num_codes: K.
    """

    def __init__(self, channels: int, num_codes: int) -> None:
        super().__init__()
        bound = (num_codes * channels) ** -0.5
        self.codewords = nn.Parameter(torch.empty(num_codes, channels).uniform_(-bound, bound))
        self.scale = nn.Parameter(torch.empty(num_codes).uniform_(-1, 0))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, K, C).

        Distances and residuals are expanded, so that no tensor of pixels x codewords x channels is made.
        """
        pixels = x.flatten(2).transpose(1, 2)  # (B, N, C)
        codes = self.codewords
        squared = (
            pixels.square().sum(dim=2, keepdim=True) - 2 * pixels @ codes.transpose(0, 1) + codes.square().sum(dim=1)
        )
        weights = (self.scale * squared).softmax(dim=2).transpose(1, 2)  # (B, K, N)
        return weights @ pixels - weights.sum(dim=2, keepdim=True) * codes
