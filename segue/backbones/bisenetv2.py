"""BiSeNet V2 (Yu et al. 2020, arXiv:2004.02147): a wide shallow branch for details and a light deep one for meaning,
joined by weighting each with the other.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from segue.errors import InputError
from segue.layers.activation import RELU
from segue.layers.conv import ConvModule
from segue.layers.depthwise_separable import DepthwiseSeparableConvModule
from segue.layers.norm import BN, Norm
from segue.layers.resize import resize
from segue.types import Activation

#: gather-and-expansion layers of the stages after the stem (table 1)
SEMANTIC_LAYERS = (2, 2, 4)


class DetailBranch(nn.Module):
    """Three stages of 3 x 3 convolutions, the first of each with stride 2 (section 3.1): image to 1/8."""

    def __init__(self, in_channels: int, widths: Sequence[int], *, norm: Norm | None, act: Activation | None) -> None:
        super().__init__()
        stages = []
        for i, width in enumerate(widths):
            convs = [ConvModule(in_channels, width, 3, stride=2, padding=1, norm=norm, act=act)]
            convs += [ConvModule(width, width, 3, padding=1, norm=norm, act=act) for _ in range(1 if i == 0 else 2)]
            stages.append(nn.Sequential(*convs))
            in_channels = width
        self.detail_branch = nn.ModuleList(stages)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, widths[-1], H / 8, W / 8)."""
        for stage in self.detail_branch:
            x = stage(x)
        return x


class StemBlock(nn.Module):
    """A convolution, then a strided pair of them beside max pooling (figure 4a): image to 1/4."""

    def __init__(self, in_channels: int, channels: int, *, norm: Norm | None, act: Activation | None) -> None:
        super().__init__()
        half = channels // 2
        self.conv_first = ConvModule(in_channels, channels, 3, stride=2, padding=1, norm=norm, act=act)
        self.convs = nn.Sequential(
            ConvModule(channels, half, 1, norm=norm, act=act),
            ConvModule(half, channels, 3, stride=2, padding=1, norm=norm, act=act),
        )
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.fuse_last = ConvModule(channels * 2, channels, 3, padding=1, norm=norm, act=act)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, channels, H / 4, W / 4)."""
        x = self.conv_first(x)
        return self.fuse_last(torch.cat([self.convs(x), self.pool(x)], dim=1))


class GELayer(nn.Module):
    """Gather and expansion (figure 5): 3 x 3, a wide 3 x 3 per channel (two where it strides), 1 x 1, a shortcut."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        stride: int,
        expand_ratio: int,
        norm: Norm | None,
        act: Activation | None,
    ) -> None:
        super().__init__()
        width = in_channels * expand_ratio
        self.conv1 = ConvModule(in_channels, in_channels, 3, padding=1, norm=norm, act=act)

        def expansion(stride: int, act: Activation | None) -> ConvModule:
            return ConvModule(in_channels, width, 3, stride=stride, padding=1, groups=in_channels, norm=norm, act=act)

        self.shortcut: nn.Module | None = None
        if stride == 1:
            self.dwconv = nn.Sequential(expansion(1, act))
        else:
            last = ConvModule(width, width, 3, padding=1, groups=width, norm=norm, act=act)
            self.dwconv = nn.Sequential(expansion(stride, None), last)
            self.shortcut = nn.Sequential(
                DepthwiseSeparableConvModule(
                    in_channels, out_channels, 3, stride=stride, padding=1, norm=norm, act=None
                )
            )
        self.conv2 = nn.Sequential(ConvModule(width, out_channels, 1, norm=norm, act=None))
        self.act = act() if act else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, out_channels, H / stride, W / stride)."""
        out = self.conv2(self.dwconv(self.conv1(x)))
        activated: Tensor = self.act(out + (x if self.shortcut is None else self.shortcut(x)))
        return activated


class CEBlock(nn.Module):
    """Context embedding (figure 4b): the global mean, normalized and convolved, is added to each pixel."""

    def __init__(self, channels: int, *, norm: Norm, act: Activation | None) -> None:
        super().__init__()
        self.gap = nn.Sequential(nn.AdaptiveAvgPool2d((1, 1)), norm(channels))
        self.conv_gap = ConvModule(channels, channels, 1, norm=norm, act=act)
        self.conv_last = ConvModule(channels, channels, 3, padding=1, norm=norm, act=act)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to the same shape."""
        return self.conv_last(x + self.conv_gap(self.gap(x)))


class SemanticBranch(nn.Module):
    """Stem, three stages of gather-and-expansion layers, context embedding (section 3.2): 1/4 to 1/32."""

    def __init__(
        self,
        in_channels: int,
        widths: Sequence[int],
        *,
        expand_ratio: int,
        norm: Norm,
        act: Activation | None,
    ) -> None:
        super().__init__()
        self.stage1 = StemBlock(in_channels, widths[0], norm=norm, act=act)
        self.stages = ["stage1"]
        for i, layers in enumerate(SEMANTIC_LAYERS, start=1):
            stage = [
                GELayer(
                    widths[i - 1] if j == 0 else widths[i],
                    widths[i],
                    stride=2 if j == 0 else 1,
                    expand_ratio=expand_ratio,
                    norm=norm,
                    act=act,
                )
                for j in range(layers)
            ]
            self.stages.append(f"stage{i + 1}")
            self.add_module(self.stages[-1], nn.Sequential(*stage))
        self.stage4_CEBlock = CEBlock(widths[-1], norm=norm, act=act)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Image to the maps at 1/4, 1/8, 1/16 and 1/32, and the last with its context."""
        features = []
        for name in self.stages:
            x = getattr(self, name)(x)
            features.append(x)
        return [*features, self.stage4_CEBlock(x)]


class SeparableConv(nn.Module):
    """A normalized 3 x 3 convolution per channel and a plain 1 x 1 with bias."""

    def __init__(self, channels: int, *, norm: Norm) -> None:
        super().__init__()
        self.depthwise_conv = ConvModule(channels, channels, 3, padding=1, groups=channels, norm=norm, act=None)
        self.pointwise_conv = ConvModule(channels, channels, 1, act=None)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to the same shape."""
        return self.pointwise_conv(self.depthwise_conv(x))


class BGALayer(nn.Module):
    """Bilateral guided aggregation (figure 6): each branch is weighted by the sigmoid of the other, at both sizes."""

    def __init__(self, channels: int, *, align_corners: bool, norm: Norm, act: Activation | None) -> None:
        super().__init__()
        self.align_corners = align_corners
        self.detail_dwconv = nn.Sequential(SeparableConv(channels, norm=norm))
        self.detail_down = nn.Sequential(
            ConvModule(channels, channels, 3, stride=2, padding=1, norm=norm, act=None),
            nn.AvgPool2d(3, stride=2, padding=1),
        )
        self.semantic_conv = nn.Sequential(ConvModule(channels, channels, 3, padding=1, norm=norm, act=None))
        self.semantic_dwconv = nn.Sequential(SeparableConv(channels, norm=norm))
        self.conv = ConvModule(channels, channels, 3, padding=1, norm=norm, act=act)

    def forward(self, detail: Tensor, semantic: Tensor) -> Tensor:
        """(B, C, H, W) and (B, C, H / 4, W / 4) to (B, C, H, W)."""
        size = detail.shape[-2:]
        guide = resize(self.semantic_conv(semantic), size, self.align_corners)
        fine = self.detail_dwconv(detail) * guide.sigmoid()
        coarse = self.detail_down(detail) * self.semantic_dwconv(semantic).sigmoid()
        return self.conv(fine + resize(coarse, size, self.align_corners))


class BiSeNetV2(nn.Module):
    """BiSeNet V2 without its classifiers.

    Args:
        in_channels: channels of the image.
        detail_channels: widths of the detail branch's three stages.
        semantic_channels: widths of the semantic branch's four stages.
        semantic_expansion_ratio: how much wider the middle of a gather-and-expansion layer is.
        bga_channels: of the joined map, and of the last of both branches.
        out_indices: of (joined 1/8, semantic 1/4, 1/8, 1/16, 1/32), which are returned.
        align_corners: of the resizing.
        norm, act: of the convolutions.

    Raises:
        InputError: widths that do not fit together.
    """

    def __init__(
        self,
        in_channels: int = 3,
        *,
        detail_channels: Sequence[int] = (64, 64, 128),
        semantic_channels: Sequence[int] = (16, 32, 64, 128),
        semantic_expansion_ratio: int = 6,
        bga_channels: int = 128,
        out_indices: Sequence[int] = (0, 1, 2, 3, 4),
        align_corners: bool = False,
        norm: Norm = BN,
        act: Activation | None = RELU,
    ) -> None:
        super().__init__()
        if len(semantic_channels) != 4 or not detail_channels[-1] == semantic_channels[-1] == bga_channels:
            raise InputError(
                f"BiSeNetV2: semantic_channels={tuple(semantic_channels)} needs 4 values, whose last must equal "
                f"the last of detail_channels={tuple(detail_channels)} and bga_channels={bga_channels}"
            )
        self.out_indices = out_indices
        self.detail = DetailBranch(in_channels, detail_channels, norm=norm, act=act)
        self.semantic = SemanticBranch(
            in_channels, semantic_channels, expand_ratio=semantic_expansion_ratio, norm=norm, act=act
        )
        self.bga = BGALayer(bga_channels, align_corners=align_corners, norm=norm, act=act)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Image (B, in_channels, H, W) to those maps that ``out_indices`` names."""
        *semantic, context = self.semantic(x)
        features = [self.bga(self.detail(x), context), *semantic]
        return [features[i] for i in self.out_indices]
