"""Blocks of the two-branch networks (DDRNet, PIDNet) with the arguments of mmseg, and their pyramids of contexts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.compat.mmcv.layers import ConvModule, build_activation_layer
from segue.compat.mmengine.modules import BaseModule

BN: Mapping[str, Any] = {"type": "BN"}
SLOW_BN: Mapping[str, Any] = {"type": "BN", "momentum": 0.1}
RELU: Mapping[str, Any] = {"type": "ReLU", "inplace": True}
ORDER: Mapping[str, Any] = {"order": ("norm", "act", "conv"), "bias": False}


class BasicBlock(BaseModule):
    """Two 3 x 3 convolutions of `ConvModule`, added to the input; ``act_cfg_out=None`` leaves the sum as it is."""

    expansion = 1

    def __init__(
        self,
        in_channels: int,
        channels: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        norm_cfg: Mapping[str, Any] | None = BN,
        act_cfg: Mapping[str, Any] | None = RELU,
        act_cfg_out: Mapping[str, Any] | None = RELU,
        init_cfg: Any = None,
    ) -> None:
        super().__init__(init_cfg)
        self.conv1 = ConvModule(in_channels, channels, 3, stride, 1, norm_cfg=norm_cfg, act_cfg=act_cfg)
        self.conv2 = ConvModule(channels, channels, 3, padding=1, norm_cfg=norm_cfg, act_cfg=None)
        self.downsample = downsample
        if act_cfg_out:
            self.act = build_activation_layer(act_cfg_out)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, channels, H', W')."""
        out = self.conv2(self.conv1(x)) + (x if self.downsample is None else self.downsample(x))
        return self.act(out) if hasattr(self, "act") else out


class Bottleneck(BaseModule):
    """1 x 1, 3 x 3 and 1 x 1 convolutions of `ConvModule`, twice as wide at the end, added to the input."""

    expansion = 2

    def __init__(
        self,
        in_channels: int,
        channels: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        norm_cfg: Mapping[str, Any] | None = BN,
        act_cfg: Mapping[str, Any] | None = RELU,
        act_cfg_out: Mapping[str, Any] | None = None,
        init_cfg: Any = None,
    ) -> None:
        super().__init__(init_cfg)
        self.conv1 = ConvModule(in_channels, channels, 1, norm_cfg=norm_cfg, act_cfg=act_cfg)
        self.conv2 = ConvModule(channels, channels, 3, stride, 1, norm_cfg=norm_cfg, act_cfg=act_cfg)
        self.conv3 = ConvModule(channels, channels * self.expansion, 1, norm_cfg=norm_cfg, act_cfg=None)
        self.downsample = downsample
        if act_cfg_out:
            self.act = build_activation_layer(act_cfg_out)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, 2 * channels, H', W')."""
        branch = self.conv3(self.conv2(self.conv1(x)))
        out = branch + (x if self.downsample is None else self.downsample(x))
        return self.act(out) if hasattr(self, "act") else out


class DAPPM(BaseModule):
    """Contexts of growing windows, each added to the one before and convolved, then all side by side."""

    def __init__(
        self,
        in_channels: int,
        branch_channels: int,
        out_channels: int,
        num_scales: int,
        kernel_sizes: Sequence[int] = (5, 9, 17),
        strides: Sequence[int] = (2, 4, 8),
        paddings: Sequence[int] = (2, 4, 8),
        norm_cfg: Mapping[str, Any] = SLOW_BN,
        act_cfg: Mapping[str, Any] = RELU,
        conv_cfg: Mapping[str, Any] = ORDER,
        upsample_mode: str = "bilinear",
    ) -> None:
        super().__init__()
        self.num_scales, self.upsample_mode = num_scales, upsample_mode
        self.in_channels, self.branch_channels, self.out_channels = in_channels, branch_channels, out_channels
        self.norm_cfg, self.act_cfg, self.conv_cfg = norm_cfg, act_cfg, conv_cfg
        layers: dict[str, Any] = {"norm_cfg": norm_cfg, "act_cfg": act_cfg, **conv_cfg}
        pools: list[nn.Module] = [
            nn.AvgPool2d(kernel_size=kernel, stride=stride, padding=pad)
            for kernel, stride, pad in zip(kernel_sizes, strides, paddings, strict=True)
        ]
        pools = [*pools[: num_scales - 2], nn.AdaptiveAvgPool2d((1, 1))]
        scales: list[nn.Module] = [ConvModule(in_channels, branch_channels, 1, **layers)]
        scales += [nn.Sequential(pool, ConvModule(in_channels, branch_channels, 1, **layers)) for pool in pools]
        self.scales = nn.ModuleList(scales)
        self._add_processes(layers)
        self.compression = ConvModule(branch_channels * num_scales, out_channels, 1, **layers)
        self.shortcut = ConvModule(in_channels, out_channels, 1, **layers)

    def _add_processes(self, layers: Mapping[str, Any]) -> None:
        width = self.branch_channels
        self.processes: Any = nn.ModuleList(
            ConvModule(width, width, 3, padding=1, **layers) for _ in range(self.num_scales - 1)
        )

    def _enlarged(self, number: int, x: Tensor) -> Tensor:
        return F.interpolate(self.scales[number](x), size=x.shape[2:], mode=self.upsample_mode)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, out_channels, H, W)."""
        maps = [self.scales[0](x)]
        for number in range(1, self.num_scales):
            maps.append(self.processes[number - 1](self._enlarged(number, x) + maps[-1]))
        return self.compression(torch.cat(maps, dim=1)) + self.shortcut(x)


class PAPPM(DAPPM):
    """As DAPPM with all contexts convolved at once, by a convolution in groups."""

    def _add_processes(self, layers: Mapping[str, Any]) -> None:
        count = self.num_scales - 1
        width = self.branch_channels * count
        self.processes = ConvModule(width, width, 3, padding=1, groups=count, **layers)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, out_channels, H, W)."""
        first = self.scales[0](x)
        maps = [self._enlarged(number, x) + first for number in range(1, self.num_scales)]
        together = torch.cat([first, self.processes(torch.cat(maps, dim=1))], dim=1)
        return self.compression(together) + self.shortcut(x)
