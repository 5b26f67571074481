"""ResNeSt (Zhang et al. 2020, arXiv:2004.08955): a ResNet-D whose 3 x 3 convolutions attend to splits of channels.

Each convolution gives ``radix`` maps; their sum, averaged over the image, decides by a softmax per channel how much of
each is taken (section 3.1, figure 2). Strides average over 3 x 3 windows after the convolution (section 3.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from segue.backbones.resnet import ResNet
from segue.layers.norm import BN, Norm
from segue.layers.residual import Bottleneck

DEPTHS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3), 200: (3, 24, 36, 3)}


class SplitAttentionConv2d(nn.Module):
    """A 3 x 3 convolution to ``radix`` maps, and the attention that mixes them.

    Args:
        channels: of input and output.
        stride, dilation, groups: of the convolution; it has ``groups * radix`` groups.
        radix: number of splits.
        reduction_factor: divides the width of the attention, which has at least 32 channels.
        norm: after the convolution and in the attention.
    """

    def __init__(
        self,
        channels: int,
        *,
        stride: int,
        dilation: int,
        groups: int,
        radix: int,
        reduction_factor: int,
        norm: Norm,
    ) -> None:
        super().__init__()
        self.radix, self.groups = radix, groups
        hidden = max(channels * radix // reduction_factor, 32)
        self.conv = nn.Conv2d(
            channels, channels * radix, 3, stride, dilation, dilation, groups=groups * radix, bias=False
        )
        self.bn0 = norm(channels * radix)
        self.relu = nn.ReLU(inplace=True)
        self.fc1 = nn.Conv2d(channels, hidden, 1, groups=groups)
        self.bn1 = norm(hidden)
        self.fc2 = nn.Conv2d(hidden, channels * radix, 1, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to (B, channels, H / stride, W / stride)."""
        splits = torch.unflatten(self.relu(self.bn0(self.conv(x))), 1, (self.radix, -1))  # (B, radix, channels, H, W)
        mean = splits.sum(dim=1).mean(dim=(2, 3), keepdim=True)
        logits = self.fc2(self.relu(self.bn1(self.fc1(mean))))
        if self.radix == 1:
            return splits[:, 0] * logits.sigmoid()
        attention = torch.unflatten(logits, 1, (self.groups, self.radix, -1)).transpose(1, 2).softmax(dim=1)
        return torch.einsum("brchw,brc->bchw", splits, attention.flatten(2))


class SplitAttentionBottleneck(Bottleneck):
    """A bottleneck whose 3 x 3 convolution is a ``SplitAttentionConv2d``.

    Args:
        radix, reduction_factor: of that.
        avg_down_stride: average over 3 x 3 windows in place of striding the convolution.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        *,
        radix: int,
        reduction_factor: int,
        avg_down_stride: bool,
        stride: int = 1,
        dilation: int = 1,
        downsample: nn.Module | None = None,
        style: Literal["pytorch", "caffe"] = "pytorch",
        groups: int = 1,
        width: int | None = None,
        with_cp: bool = False,
        norm: Norm,
    ) -> None:
        # Read by `build`, which the constructor calls.
        self.radix = radix
        self.reduction_factor = reduction_factor
        self.avg_down_stride = avg_down_stride
        super().__init__(
            in_channels,
            channels,
            stride=stride,
            dilation=dilation,
            downsample=downsample,
            style=style,
            groups=groups,
            width=width,
            with_cp=with_cp,
            norm=norm,
        )

    def build(self, in_channels: int, channels: int, stride: int, dilation: int, style: str, norm: Norm) -> None:
        """Make the layers of the residual branch."""
        first, second = (1, stride) if style == "pytorch" else (stride, 1)
        pools = self.avg_down_stride and second > 1
        self.conv1 = nn.Conv2d(in_channels, self.width, 1, first, bias=False)
        self.bn1 = norm(self.width)
        self.conv2 = SplitAttentionConv2d(  # type: ignore[assignment]
            self.width,
            stride=1 if pools else second,
            dilation=dilation,
            groups=self.groups,
            radix=self.radix,
            reduction_factor=self.reduction_factor,
            norm=norm,
        )
        self.avd_layer = nn.AvgPool2d(3, second, padding=1) if pools else nn.Identity()
        self.conv3 = nn.Conv2d(self.width, channels * self.expansion, 1, bias=False)
        self.bn3 = norm(channels * self.expansion)

    def body(self, x: Tensor) -> Tensor:
        """The residual branch."""
        return self.bn3(self.conv3(self.avd_layer(self.conv2(self.relu(self.bn1(self.conv1(x)))))))


class ResNeSt(ResNet):
    """ResNeSt of four stages; ``stem_channels=128`` is the published form of depth 101.

    Args:
        depth: 50, 101, 152 or 200.
        groups, base_width: split the 3 x 3 convolutions as in ResNeXt, beside the splits of the attention.
        radix: number of splits.
        reduction_factor: divides the width of the attention.
        avg_down_stride: average over 3 x 3 windows in place of striding a convolution.
        in_channels, stem_channels, base_channels, num_stages, strides, dilations, out_indices, style, frozen_stages,
            norm, norm_eval, multi_grid, contract_dilation, with_cp, zero_init_residual: as in ``ResNet``.
    """

    def __init__(
        self,
        depth: int,
        *,
        groups: int = 1,
        base_width: int = 4,
        radix: int = 2,
        reduction_factor: int = 4,
        avg_down_stride: bool = True,
        in_channels: int = 3,
        stem_channels: int = 64,
        base_channels: int = 64,
        num_stages: int = 4,
        out_indices: Sequence[int] = (0, 1, 2, 3),
        strides: Sequence[int] = (1, 2, 2, 2),
        dilations: Sequence[int] = (1, 1, 1, 1),
        contract_dilation: bool = False,
        multi_grid: Sequence[int] | None = None,
        style: Literal["pytorch", "caffe"] = "pytorch",
        norm: Norm = BN,
        norm_eval: bool = False,
        frozen_stages: int = -1,
        zero_init_residual: bool = False,
        with_cp: bool = False,
    ) -> None:
        block = partial(
            SplitAttentionBottleneck, radix=radix, reduction_factor=reduction_factor, avg_down_stride=avg_down_stride
        )
        # Read by the constructor.
        self.blocks = {known: (block, counts) for known, counts in DEPTHS.items()}  # type: ignore[misc]
        super().__init__(
            depth,
            in_channels=in_channels,
            stem_channels=stem_channels,
            base_channels=base_channels,
            num_stages=num_stages,
            strides=strides,
            dilations=dilations,
            out_indices=out_indices,
            style=style,
            deep_stem=True,
            avg_down=True,
            frozen_stages=frozen_stages,
            norm=norm,
            norm_eval=norm_eval,
            multi_grid=multi_grid,
            contract_dilation=contract_dilation,
            with_cp=with_cp,
            zero_init_residual=zero_init_residual,
            groups=groups,
            base_width=base_width,
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d) and module.bias is not None:
                nn.init.zeros_(module.bias)
