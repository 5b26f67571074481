"""Dynamic multi-scale filters, DMNet (He et al., ICCV 2019).

Depthwise kernels of several sizes, which are computed from the image itself (figure 2).
https://openaccess.thecvf.com/content_ICCV_2019/papers/
He_Dynamic_Multi-Scale_Filters_for_Semantic_Segmentation_ICCV_2019_paper.pdf
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.layers.conv import ConvModule
from segue.layers.decode_head import DecodeHead, HeadOptions
from segue.layers.norm import Norm
from segue.types import Activation


class DynamicConv(nn.Module):
    """The dynamic convolutional module for one kernel size.

    Args:
        filter_size: side of the kernel.
        fusion: convolve the result once more.
        in_channels: of the input.
        channels: of the output.
        norm, act: of the convolutions and after the dynamic one.
    """

    def __init__(
        self,
        filter_size: int,
        fusion: bool,
        in_channels: int,
        channels: int,
        norm: Norm | None,
        act: Activation | None,
    ) -> None:
        super().__init__()
        self.filter_size = filter_size
        self.filter_gen_conv = nn.Conv2d(in_channels, channels, 1)
        self.input_redu_conv = ConvModule(in_channels, channels, 1, norm=norm, act=act)
        self.norm = norm(channels) if norm else nn.Identity()
        self.activate = act() if act else nn.Identity()
        self.fusion_conv = ConvModule(channels, channels, 1, norm=norm, act=act) if fusion else None

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, channels, H, W)."""
        kernels = self.filter_gen_conv(F.adaptive_avg_pool2d(x, self.filter_size))  # (B, channels, size, size)
        x = self.input_redu_conv(x)
        before = self.filter_size // 2
        after = self.filter_size - 1 - before
        out = own_kernels(F.pad(x, (before, after, before, after)), kernels, x.shape[-2:])
        out = self.activate(self.norm(out))
        return self.fusion_conv(out) if self.fusion_conv else out


def own_kernels(x: Tensor, kernels: Tensor, size: Sequence[int]) -> Tensor:
    """Convolve padded maps (B, C, ...), each channel of each image by its own kernel (B, C, k, k): (B, C, *size).

    That is one convolution with as many groups; a file cannot have a number of groups that depends on the batch, so in
    exports it is a sum of shifted maps.
    """
    if not torch.compiler.is_exporting():
        out = F.conv2d(x.flatten(0, 1).unsqueeze(0), kernels.flatten(0, 1).unsqueeze(1), groups=x.shape[0] * x.shape[1])
        return torch.unflatten(out[0], 0, x.shape[:2])
    height, width = size
    total = torch.zeros_like(x[:, :, :height, :width])
    for i in range(kernels.shape[2]):
        for j in range(kernels.shape[3]):
            total = total + x[:, :, i : i + height, j : j + width] * kernels[:, :, i : i + 1, j : j + 1]
    return total


class DMHead(DecodeHead):
    """Dynamic convolutions of several sizes, concatenated to the input.

    Args:
        filter_sizes: side of each kernel.
        fusion: convolve each result once more.
    """

    def __init__(
        self, options: HeadOptions, *, filter_sizes: Sequence[int] = (1, 3, 5, 7), fusion: bool = False
    ) -> None:
        super().__init__(options)
        self.dcm_modules = nn.ModuleList(
            DynamicConv(size, fusion, self.in_channels, self.channels, self.norm, self.act) for size in filter_sizes
        )
        width = self.in_channels + len(filter_sizes) * self.channels
        self.bottleneck = ConvModule(width, self.channels, 3, padding=1, norm=self.norm, act=self.act)

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        """Feature maps to what is classified: (B, channels, H', W')."""
        x = self.select(features)
        return self.bottleneck(torch.cat([x, *(module(x) for module in self.dcm_modules)], dim=1))
