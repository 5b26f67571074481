"""Residual blocks of ResNet (arXiv:1512.03385), shared by the networks built from them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal

from torch import Tensor, nn

from segue.layers.norm import Norm
from segue.layers.recompute import recompute


class ResidualBlock(nn.Module):
    """A shortcut around ``body``; the subclasses define ``body`` and ``last_norm``.

    Args:
        in_channels: channels of the input.
        channels: width; the output has ``channels * expansion``.
        stride, dilation: of the 3 x 3 convolution.
        downsample: what the shortcut does where the shapes differ.
        style: in a bottleneck, whether the 3 x 3 convolution strides (``pytorch``) or the first 1 x 1 (``caffe``).
        groups: of the 3 x 3 convolution of a bottleneck (ResNeXt).
        width: channels of that convolution; default ``channels``.
        with_cp: recompute the block in the backward pass, to save memory.
        norm: after each convolution.
    """

    expansion = 1

    def __init__(
        self,
        in_channels: int,
        channels: int,
        *,
        stride: int = 1,
        dilation: int = 1,
        downsample: nn.Module | None = None,
        style: Literal["pytorch", "caffe"] = "pytorch",
        groups: int = 1,
        width: int | None = None,
        with_cp: bool = False,
        norm: Norm,
    ) -> None:
        super().__init__()
        self.groups = groups
        self.width = width or channels
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample
        self.with_cp = with_cp
        self.build(in_channels, channels, stride, dilation, style, norm)

    def build(self, in_channels: int, channels: int, stride: int, dilation: int, style: str, norm: Norm) -> None:
        """Make the layers of the residual branch."""
        raise NotImplementedError

    @property
    def last_norm(self) -> nn.Module:
        """The normalization before the sum, whose weight may start at zero."""
        raise NotImplementedError

    def body(self, x: Tensor) -> Tensor:
        """The residual branch."""
        raise NotImplementedError

    def _sum(self, x: Tensor) -> Tensor:
        return self.body(x) + (x if self.downsample is None else self.downsample(x))

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, channels * expansion, H / stride, W / stride)."""
        if self.with_cp and x.requires_grad:
            return self.relu(recompute(self._sum, x))
        return self.relu(self._sum(x))


class BasicBlock(ResidualBlock):
    """Two 3 x 3 convolutions and a shortcut."""

    def build(self, in_channels: int, channels: int, stride: int, dilation: int, style: str, norm: Norm) -> None:
        """Make the layers of the residual branch; ``style`` does not matter here."""
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride, padding=dilation, dilation=dilation, bias=False)
        self.bn1 = norm(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = norm(channels)

    @property
    def last_norm(self) -> nn.Module:
        """The second normalization."""
        return self.bn2

    def body(self, x: Tensor) -> Tensor:
        """The residual branch."""
        return self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))


class Bottleneck(ResidualBlock):
    """1 x 1, 3 x 3 and 1 x 1 convolutions and a shortcut."""

    expansion = 4

    def build(self, in_channels: int, channels: int, stride: int, dilation: int, style: str, norm: Norm) -> None:
        """Make the layers of the residual branch."""
        first, second = (1, stride) if style == "pytorch" else (stride, 1)
        width = self.width
        self.conv1 = nn.Conv2d(in_channels, width, 1, first, bias=False)
        self.bn1 = norm(width)
        self.conv2 = nn.Conv2d(width, width, 3, second, dilation, dilation, self.groups, bias=False)
        self.bn2 = norm(width)
        self.conv3 = nn.Conv2d(width, channels * self.expansion, 1, bias=False)
        self.bn3 = norm(channels * self.expansion)

    @property
    def last_norm(self) -> nn.Module:
        """The third normalization."""
        return self.bn3

    def body(self, x: Tensor) -> Tensor:
        """The residual branch."""
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        return self.bn3(self.conv3(out))


def residual_stage(
    block: type[ResidualBlock] | partial[ResidualBlock],
    in_channels: int,
    channels: int,
    *,
    num_blocks: int,
    stride: int = 1,
    dilations: Sequence[int] = (),
    avg_down: bool = False,
    style: Literal["pytorch", "caffe"] = "pytorch",
    groups: int = 1,
    width: int | None = None,
    with_cp: bool = False,
    norm: Norm,
) -> nn.Sequential:
    """Blocks in a row, of which the first strides and changes the width.

    Args:
        block: the class, perhaps with some arguments fixed.
        dilations: one per block; default all 1.
        avg_down: the shortcut averages before its 1 x 1 convolution, in place of striding it (arXiv:1812.01187,
            ResNet-D).
    """
    kind = block.func if isinstance(block, partial) else block
    out_channels = channels * kind.expansion  # type: ignore[union-attr]
    downsample: nn.Module | None = None
    if stride != 1 or in_channels != out_channels:
        layers: list[nn.Module] = []
        conv_stride = stride
        if avg_down:
            conv_stride = 1
            layers.append(nn.AvgPool2d(stride, stride, ceil_mode=True, count_include_pad=False))
        layers += [nn.Conv2d(in_channels, out_channels, 1, stride=conv_stride, bias=False), norm(out_channels)]
        downsample = nn.Sequential(*layers)
    dilations = dilations or [1] * num_blocks
    blocks = [
        block(
            in_channels if i == 0 else out_channels,
            channels,
            stride=stride if i == 0 else 1,
            dilation=dilation,
            downsample=downsample if i == 0 else None,
            style=style,
            groups=groups,
            width=width,
            with_cp=with_cp,
            norm=norm,
        )
        for i, dilation in enumerate(dilations[:num_blocks])
    ]
    return nn.Sequential(*blocks)


def initialize_residual(network: nn.Module, zero_init_residual: bool) -> None:
    """Convolutions by their fan-out (arXiv:1502.01852); each block as its shortcut (arXiv:1706.02677) on request."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif zero_init_residual and isinstance(module, ResidualBlock):
            nn.init.zeros_(module.last_norm.weight)  # type: ignore[arg-type]
