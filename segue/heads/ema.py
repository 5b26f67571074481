"""Expectation-maximization attention, EMANet (Li et al. 2019, arXiv:1907.13426).

A few bases are fitted to the pixels of the image at hand by the EM algorithm, and every pixel is put together from them
again: attention over K bases in place of H * W pixels (section 3.2).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.layers.conv import ConvModule
from segue.layers.decode_head import DecodeHead, HeadOptions


class EMAModule(nn.Module):
    """Expectation-maximization attention.

    The bases that the iterations start from are no parameters: in training they follow the fitted ones by a moving
    average (section 3.3, equation 15). No gradient passes through the iterations.

    Args:
        channels: of input and output.
        num_bases: K.
        num_stages: iterations.
        momentum: share of the new bases in the moving average.
    """

    bases: Tensor

    def __init__(self, channels: int, num_bases: int, num_stages: int, momentum: float) -> None:
        super().__init__()
        self.num_stages = num_stages
        self.momentum = momentum
        bases = torch.empty(1, channels, num_bases).normal_(0.0, math.sqrt(2.0 / num_bases))
        self.register_buffer("bases", F.normalize(bases, dim=1))

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        pixels = x.flatten(2)
        bases = self.bases.expand(x.shape[0], -1, -1)  # (B, C, K)
        for _ in range(self.num_stages):
            weights = (pixels.transpose(1, 2) @ bases).softmax(dim=2)  # expectation, equation 9: (B, H * W, K)
            shares = F.normalize(weights, p=1, dim=1)
            bases = F.normalize(pixels @ shares, dim=1)  # maximization, equation 10
        if self.training:
            self._follow(bases)
        return (bases @ weights.transpose(1, 2)).view_as(x)  # equation 11

    def _follow(self, bases: Tensor) -> None:
        mean = bases.mean(dim=0, keepdim=True)
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            # Buffers are sent from the first process, which otherwise would average over its own images only.
            torch.distributed.all_reduce(mean)
        mean = F.normalize(mean, dim=1)
        self.bases.mul_(1 - self.momentum).add_(mean, alpha=self.momentum)


class EMAHead(DecodeHead):
    """The attention in a residual branch between two convolutions (figure 2).

    Args:
        ema_channels: width of the attention.
        num_bases, num_stages, momentum: of the attention.
        concat_input: concatenate the input to the result, and join both by one more convolution.
    """

    def __init__(
        self,
        options: HeadOptions,
        *,
        ema_channels: int,
        num_bases: int,
        num_stages: int,
        concat_input: bool = True,
        momentum: float = 0.1,
    ) -> None:
        super().__init__(options)
        self.ema_module = EMAModule(ema_channels, num_bases, num_stages, momentum)
        self.ema_in_conv = ConvModule(self.in_channels, ema_channels, 3, padding=1, norm=self.norm, act=self.act)
        # Only features of either sign can be far from all bases; no gradient reaches this convolution.
        self.ema_mid_conv = ConvModule(ema_channels, ema_channels, 1, act=None)
        self.ema_mid_conv.requires_grad_(False)
        self.ema_out_conv = ConvModule(ema_channels, ema_channels, 1, norm=self.norm, act=None)
        self.bottleneck = ConvModule(ema_channels, self.channels, 3, padding=1, norm=self.norm, act=self.act)
        self.conv_cat = (
            ConvModule(self.in_channels + self.channels, self.channels, 3, padding=1, norm=self.norm, act=self.act)
            if concat_input
            else None
        )

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        """Feature maps to what is classified: (B, channels, H', W')."""
        x = self.select(features)
        residual = self.ema_in_conv(x)
        fitted = F.relu(self.ema_module(self.ema_mid_conv(residual)))
        out = self.bottleneck(F.relu(residual + self.ema_out_conv(fitted)))
        return self.conv_cat(torch.cat([x, out], dim=1)) if self.conv_cat else out
