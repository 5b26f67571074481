"""What DDRNet and PIDNet are made of: residual blocks that may end without activation, and pyramid pooling.

Both networks keep a branch at 1/8 beside a deep one and exchange features between the activations, so their blocks
return sums that are not yet activated. The pooling aggregates grids from fine to coarse: one after the other (DAPPM,
arXiv:2101.06085, section 3.3) or all at once (PAPPM, arXiv:2206.02066, section 3.3).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from segue.layers.conv import ConvModule
from segue.layers.norm import Norm
from segue.layers.pre_conv import PreConv
from segue.layers.resize import resize
from segue.types import Activation

#: kernel, stride and padding of each average pooling; the first scale is the input itself and the last its mean
POOLS = ((5, 2, 2), (9, 4, 4), (17, 8, 8))


class TwoBranchBlock(nn.Module):
    """A shortcut around ``body``; the subclasses make the convolutions and define ``body``.

    Args:
        in_channels, channels: of the input and the width of the block; the output has ``channels * expansion``.
        stride: of the first 3 x 3 convolution.
        downsample: what the shortcut does where the shapes differ.
        norm, act: of the convolutions; ``last_act`` is applied to the sum.
    """

    expansion = 1

    def __init__(
        self,
        in_channels: int,
        channels: int,
        *,
        stride: int = 1,
        downsample: nn.Module | None = None,
        norm: Norm,
        act: Activation | None,
        last_act: Activation | None = None,
    ) -> None:
        super().__init__()
        self.build(in_channels, channels, stride, norm, act)
        self.downsample = downsample
        self.act = last_act() if last_act else nn.Identity()

    def build(self, in_channels: int, channels: int, stride: int, norm: Norm, act: Activation | None) -> None:
        """Make the convolutions."""
        raise NotImplementedError

    def body(self, x: Tensor) -> Tensor:
        """The residual branch."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, channels * expansion, H / stride, W / stride)."""
        out: Tensor = self.act(self.body(x) + (x if self.downsample is None else self.downsample(x)))
        return out


class BasicBlock(TwoBranchBlock):
    """Two 3 x 3 convolutions and a shortcut."""

    def build(self, in_channels: int, channels: int, stride: int, norm: Norm, act: Activation | None) -> None:
        """Make the convolutions."""
        self.conv1 = ConvModule(in_channels, channels, 3, stride=stride, padding=1, norm=norm, act=act)
        self.conv2 = ConvModule(channels, channels, 3, padding=1, norm=norm, act=None)

    def body(self, x: Tensor) -> Tensor:
        """The residual branch."""
        return self.conv2(self.conv1(x))


class Bottleneck(TwoBranchBlock):
    """1 x 1, 3 x 3 and 1 x 1 convolutions and a shortcut; twice as wide at the end as in the middle."""

    expansion = 2

    def build(self, in_channels: int, channels: int, stride: int, norm: Norm, act: Activation | None) -> None:
        """Make the convolutions."""
        self.conv1 = ConvModule(in_channels, channels, 1, norm=norm, act=act)
        self.conv2 = ConvModule(channels, channels, 3, stride=stride, padding=1, norm=norm, act=act)
        self.conv3 = ConvModule(channels, channels * self.expansion, 1, norm=norm, act=None)

    def body(self, x: Tensor) -> Tensor:
        """The residual branch."""
        return self.conv3(self.conv2(self.conv1(x)))


def branch_stage(
    block: type[TwoBranchBlock],
    in_channels: int,
    channels: int,
    count: int = 1,
    *,
    stride: int = 1,
    shortcut: Callable[[int, int, int], nn.Module],
    norm: Norm,
    act: Activation | None,
) -> nn.Sequential:
    """Blocks in a row, of which the first strides and changes the width; the last sum is not activated.

    ``shortcut(in_channels, out_channels, stride)`` makes what the first block's shortcut does where shapes differ.
    """
    out_channels = channels * block.expansion
    blocks = []
    for i in range(count):
        source, step = (in_channels, stride) if i == 0 else (out_channels, 1)
        changes = step != 1 or source != out_channels
        blocks.append(
            block(
                source,
                channels,
                stride=step,
                downsample=shortcut(source, out_channels, step) if changes else None,
                norm=norm,
                act=act,
                # Sums of bottlenecks are never activated, as in the published networks.
                last_act=act if block is BasicBlock and i < count - 1 else None,
            )
        )
    return nn.Sequential(*blocks)


class PyramidBranches(nn.Module):
    """The grids that both poolings share: each pooled, normalized, activated and convolved 1 x 1.

    Args:
        in_channels: of the input.
        branch_channels: of each grid.
        out_channels: of the result.
        norm, act: before each convolution.
    """

    def __init__(
        self, in_channels: int, branch_channels: int, out_channels: int, *, norm: Norm, act: Activation | None
    ) -> None:
        super().__init__()

        def conv() -> nn.Module:
            return PreConv(in_channels, branch_channels, 1, norm=norm, act=act)

        pools: list[nn.Module] = [nn.AvgPool2d(kernel, stride, padding) for kernel, stride, padding in POOLS]
        pools.append(nn.AdaptiveAvgPool2d((1, 1)))
        self.scales = nn.ModuleList([conv(), *(nn.Sequential(pool, conv()) for pool in pools)])
        self.compression = PreConv(branch_channels * len(self.scales), out_channels, 1, norm=norm, act=act)
        self.shortcut = PreConv(in_channels, out_channels, 1, norm=norm, act=act)

    def grids(self, x: Tensor) -> list[Tensor]:
        """(B, in_channels, H, W) to one (B, branch_channels, H, W) per grid, finest first."""
        return [resize(scale(x), x.shape[-2:]) for scale in self.scales]


class DAPPM(PyramidBranches):
    """Deep aggregation: each grid is added to the one before and convolved (equation 4 of arXiv:2101.06085)."""

    def __init__(
        self, in_channels: int, branch_channels: int, out_channels: int, *, norm: Norm, act: Activation | None
    ) -> None:
        super().__init__(in_channels, branch_channels, out_channels, norm=norm, act=act)
        self.processes = nn.ModuleList(
            PreConv(branch_channels, branch_channels, 3, padding=1, norm=norm, act=act)
            for _ in range(len(self.scales) - 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, out_channels, H, W)."""
        first, *coarser = self.grids(x)
        joined = [first]
        for process, grid in zip(self.processes, coarser, strict=True):
            joined.append(process(grid + joined[-1]))
        return self.compression(torch.cat(joined, dim=1)) + self.shortcut(x)


class PAPPM(PyramidBranches):
    """Parallel aggregation: each grid is added to the first, and one grouped convolution serves all of them."""

    def __init__(
        self, in_channels: int, branch_channels: int, out_channels: int, *, norm: Norm, act: Activation | None
    ) -> None:
        super().__init__(in_channels, branch_channels, out_channels, norm=norm, act=act)
        count = len(self.scales) - 1
        width = branch_channels * count
        self.processes = PreConv(width, width, 3, padding=1, groups=count, norm=norm, act=act)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, out_channels, H, W)."""
        first, *coarser = self.grids(x)
        processed = self.processes(torch.cat([grid + first for grid in coarser], dim=1))
        return self.compression(torch.cat([first, processed], dim=1)) + self.shortcut(x)
