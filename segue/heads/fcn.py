"""Fully convolutional head (Long et al. 2015, arXiv:1411.4038): a few convolutions, then the classes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from segue.errors import InputError
from segue.layers.conv import ConvModule
from segue.layers.decode_head import DecodeHead, HeadOptions


class FCNHead(DecodeHead):
    """Convolutions on one feature map.

    Args:
        num_convs: number of convolutions; 0 classifies the input itself, and needs ``in_channels == channels``.
        kernel_size, dilation: of these.
        concat_input: concatenate the input to their output, and join both by one more convolution.
    """

    def __init__(
        self,
        options: HeadOptions,
        *,
        num_convs: int = 2,
        kernel_size: int = 3,
        concat_input: bool = True,
        dilation: int = 1,
    ) -> None:
        super().__init__(options)
        if num_convs < 0 or dilation < 1:
            raise InputError(f"FCNHead: num_convs={num_convs} must be 0 or more, dilation={dilation} 1 or more")
        if num_convs == 0 and self.in_channels != self.channels:
            raise InputError(
                f"FCNHead: with num_convs=0, in_channels={self.in_channels} must equal channels={self.channels}"
            )
        widths = [self.in_channels] + [self.channels] * num_convs
        convs = [
            ConvModule(
                widths[i],
                self.channels,
                kernel_size,
                padding=(kernel_size // 2) * dilation,
                dilation=dilation,
                norm=self.norm,
                act=self.act,
            )
            for i in range(num_convs)
        ]
        self.convs = nn.Sequential(*convs)
        self.concat_input = concat_input
        if concat_input:
            self.conv_cat = ConvModule(
                self.in_channels + self.channels,
                self.channels,
                kernel_size,
                padding=kernel_size // 2,
                norm=self.norm,
                act=self.act,
            )

    def transform(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, channels, H, W); the heads derived from this one add something in between."""
        return self.convs(x)

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        """Feature maps to what is classified: (B, channels, H', W')."""
        x = self.select(features)
        out = self.transform(x)
        return self.conv_cat(torch.cat([x, out], dim=1)) if self.concat_input else out
