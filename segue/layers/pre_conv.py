"""Normalization, activation, then convolution: the order of pre-activation networks (arXiv:1603.05027)."""

from __future__ import annotations

from torch import Tensor, nn

from segue.layers.norm import Norm
from segue.types import Activation


class PreConv(nn.Module):
    """Normalize and activate (B, in_channels, H, W), then convolve without bias.

    The children are named as those of ``ConvModule``: ``bn`` (by the norm), ``activate`` and ``conv``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        padding: int = 0,
        groups: int = 1,
        norm: Norm,
        act: Activation | None,
    ) -> None:
        super().__init__()
        self.norm_name = norm.name
        self.add_module(norm.name, norm(in_channels))
        self.activate = act() if act else nn.Identity()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, padding=padding, groups=groups, bias=False)
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")
        self.in_channels, self.out_channels = in_channels, out_channels  # as those of `ConvModule`, for who reads them
        self.kernel_size, self.stride, self.dilation = self.conv.kernel_size, self.conv.stride, self.conv.dilation
        self.padding, self.groups, self.with_bias = padding, groups, False
        self.with_norm, self.with_activation = True, act is not None

    @property
    def norm(self) -> nn.Module:
        """The normalization."""
        found: nn.Module = getattr(self, self.norm_name)
        return found

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, out_channels, H', W')."""
        return self.conv(self.activate(getattr(self, self.norm_name)(x)))
