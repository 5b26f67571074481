"""Depthwise separable convolution: Xception (arXiv:1610.02357), as DeepLabV3+ uses it (arXiv:1802.02611)."""

from __future__ import annotations

from torch import Tensor, nn

from segue.layers.activation import RELU
from segue.layers.conv import ConvModule, Pair
from segue.layers.norm import Norm
from segue.types import Activation


class DepthwiseSeparableConvModule(nn.Module):
    """A k x k convolution per channel, then a 1 x 1 across channels, each normalized and activated."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Pair,
        *,
        stride: Pair = 1,
        padding: Pair = 0,
        dilation: Pair = 1,
        norm: Norm | None = None,
        act: Activation | None = RELU,
        depthwise_act: Activation | None = None,
    ) -> None:
        super().__init__()
        self.depthwise_conv = ConvModule(
            in_channels,
            in_channels,
            kernel_size,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=in_channels,
            norm=norm,
            act=depthwise_act or act,
        )
        self.pointwise_conv = ConvModule(in_channels, out_channels, 1, norm=norm, act=act)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, out_channels, H', W')."""
        return self.pointwise_conv(self.depthwise_conv(x))
