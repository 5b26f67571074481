"""Context guided network, CGNet (Wu et al. 2018, arXiv:1811.08201): each block joins a pixel's neighborhood, its wider
surroundings and the whole image.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.errors import InputError
from segue.layers.activation import ACTIVATIONS
from segue.layers.conv import ConvModule
from segue.layers.freezing import Freezing
from segue.layers.norm import BN, Norm
from segue.layers.recompute import recompute
from segue.types import Activation


class GlobalContextExtractor(nn.Module):
    """Weights channels by what their mean over the image says, through two linear layers (F_glo, figure 3)."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        self.fc = nn.Sequential(
            nn.Linear(channels, channels // reduction),
            nn.ReLU(inplace=True),
            nn.Linear(channels // reduction, channels),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to the same shape."""
        return x * self.fc(x.mean(dim=(2, 3)))[:, :, None, None]


class ContextGuidedBlock(nn.Module):
    """Local and surrounding features, joined, refined by the global context, and a shortcut (figure 3).

    Args:
        in_channels, out_channels: of the block.
        dilation: of the convolution that sees the surroundings.
        reduction: of the width in the global context.
        downsample: halve the size; then there is no shortcut.
        norm, act: of the convolutions.
        with_cp: recompute the block in the backward pass, to save memory.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        dilation: int,
        reduction: int,
        downsample: bool,
        norm: Norm,
        act: Activation,
        with_cp: bool,
    ) -> None:
        super().__init__()
        self.with_cp = with_cp
        width = out_channels if downsample else out_channels // 2
        kernel, stride = (3, 2) if downsample else (1, 1)
        self.conv1x1 = ConvModule(
            in_channels,
            width,
            kernel,
            stride=stride,
            padding=kernel // 2,
            norm=norm,
            act=per_channel(act, width),
        )
        self.f_loc = nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False)
        self.f_sur = nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation, groups=width, bias=False)
        self.bn = norm(2 * width)
        self.activate = per_channel(act, 2 * width)()
        self.bottleneck = nn.Conv2d(2 * width, out_channels, 1, bias=False) if downsample else None
        self.f_glo = GlobalContextExtractor(out_channels, reduction)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, out_channels, H, W), or half that size."""
        if self.with_cp and x.requires_grad:
            return recompute(self._compute, x)
        return self._compute(x)

    def _compute(self, x: Tensor) -> Tensor:
        out = self.conv1x1(x)
        joint = self.activate(self.bn(torch.cat([self.f_loc(out), self.f_sur(out)], dim=1)))
        if self.bottleneck is not None:
            return self.f_glo(self.bottleneck(joint))
        return x + self.f_glo(joint)


def per_channel(act: Activation, channels: int) -> Activation:
    """The activation; a PReLU with one slope per channel."""
    return partial(nn.PReLU, channels) if isinstance(act(), nn.PReLU) else act


class CGNet(Freezing):
    """Three stages, at 1/2, 1/4 and 1/8 of the image, which is shown to the first two again (table 1).

    Args:
        in_channels: channels of the image.
        num_channels: widths of the stages.
        num_blocks: blocks of the second and third stage.
        dilations, reductions: of their blocks.
        norm, act: of the convolutions; ``norm_eval`` keeps the statistics in training.
        with_cp: recompute blocks in the backward pass, to save memory.

    Raises:
        InputError: lists of another length.
    """

    def __init__(
        self,
        in_channels: int = 3,
        *,
        num_channels: Sequence[int] = (32, 64, 128),
        num_blocks: Sequence[int] = (3, 21),
        dilations: Sequence[int] = (2, 4),
        reductions: Sequence[int] = (8, 16),
        norm: Norm = BN,
        act: Activation = ACTIVATIONS["PReLU"],
        norm_eval: bool = False,
        with_cp: bool = False,
    ) -> None:
        super().__init__()
        for key, value, length in (
            ("num_channels", num_channels, 3),
            ("num_blocks", num_blocks, 2),
            ("dilations", dilations, 2),
            ("reductions", reductions, 2),
        ):
            if len(value) != length:
                raise InputError(f"CGNet: {key}={tuple(value)} needs {length} values")
        self.norm_eval = norm_eval
        first, second, third = num_channels

        def norm_act(channels: int) -> nn.Module:
            return nn.Sequential(norm(channels), per_channel(act, channels)())

        def stage(i: int, c_in: int, c_out: int) -> nn.ModuleList:
            return nn.ModuleList(
                ContextGuidedBlock(
                    c_in if j == 0 else c_out,
                    c_out,
                    dilation=dilations[i],
                    reduction=reductions[i],
                    downsample=j == 0,
                    norm=norm,
                    act=act,
                    with_cp=with_cp,
                )
                for j in range(num_blocks[i])
            )

        self.stem = nn.Sequential(
            *(
                ConvModule(
                    in_channels if i == 0 else first,
                    first,
                    3,
                    stride=2 if i == 0 else 1,
                    padding=1,
                    norm=norm,
                    act=per_channel(act, first),
                )
                for i in range(3)
            )
        )
        self.norm_prelu_0 = norm_act(first + in_channels)
        self.level1 = stage(0, first + in_channels, second)
        self.norm_prelu_1 = norm_act(2 * second + in_channels)
        self.level2 = stage(1, 2 * second + in_channels, third)
        self.norm_prelu_2 = norm_act(2 * third)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, nn.Linear):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(module.bias)
            elif isinstance(module, nn.PReLU):
                nn.init.zeros_(module.weight)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Image (B, in_channels, H, W) to maps at 1/2, 1/4 and 1/8."""
        half = F.avg_pool2d(x, 3, stride=2, padding=1)
        quarter = F.avg_pool2d(half, 3, stride=2, padding=1)
        out0 = self.norm_prelu_0(torch.cat([self.stem(x), half], dim=1))
        down, out = _run(self.level1, out0)
        out1 = self.norm_prelu_1(torch.cat([out, down, quarter], dim=1))
        down, out = _run(self.level2, out1)
        return [out0, out1, self.norm_prelu_2(torch.cat([down, out], dim=1))]


def _run(level: nn.ModuleList, x: Tensor) -> tuple[Tensor, Tensor]:
    """What the first block of a stage gives, and what the last."""
    down = x = level[0](x)
    for block in level[1:]:
        x = block(x)
    return down, x
