"""Convolution, normalization and activation in one module."""

from __future__ import annotations

from torch import Tensor, nn

from segue.layers.activation import RELU
from segue.layers.norm import Norm
from segue.types import Activation

Pair = int | tuple[int, int]


class ConvModule(nn.Module):
    """Conv2d, then normalization, then activation, each optional but the first.

    The children are named ``conv``, ``bn`` (or ``gn``, ``in``: by the norm) and ``activate``, as in mmseg's
    checkpoints. The convolution has a bias only where no normalization follows, unless ``bias`` says otherwise.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Pair,
        *,
        stride: Pair = 1,
        padding: Pair = 0,
        dilation: Pair = 1,
        groups: int = 1,
        bias: bool | None = None,
        norm: Norm | None = None,
        act: Activation | None = RELU,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            bias=norm is None if bias is None else bias,
        )
        self.in_channels, self.out_channels = in_channels, out_channels
        self.padding = padding  # as it was given, beside the other values of the convolution, for code that reads them
        self.kernel_size, self.stride, self.dilation = self.conv.kernel_size, self.conv.stride, self.conv.dilation
        self.groups, self.with_bias = groups, self.conv.bias is not None
        self.with_norm, self.with_activation = norm is not None, act is not None
        self.norm_name = norm.name if norm else None
        if norm:
            self.add_module(norm.name, norm(out_channels))
        self.activate = act() if act else None
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")
        if self.conv.bias is not None:
            nn.init.zeros_(self.conv.bias)

    @property
    def norm(self) -> nn.Module | None:
        """The normalization, if there is one."""
        return getattr(self, self.norm_name) if self.norm_name else None

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, out_channels, H', W')."""
        return self.finish(self.conv(x))

    def finish(self, x: Tensor) -> Tensor:
        """What follows the convolution, (B, out_channels, H', W') to the same shape."""
        if self.norm_name:
            x = getattr(self, self.norm_name)(x)
        return self.activate(x) if self.activate else x
