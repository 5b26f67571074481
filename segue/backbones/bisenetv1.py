"""BiSeNet (Yu et al. 2018, arXiv:1808.00897): a wide shallow path for details, a narrow deep one for context."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.errors import InputError
from segue.layers.activation import RELU
from segue.layers.attention_refinement import AttentionRefinement
from segue.layers.conv import ConvModule
from segue.layers.norm import BN, Norm
from segue.types import Activation, Backbone


class SpatialPath(nn.Module):
    """Three convolutions of stride 2 and a 1 x 1 (section 3.1): image to 1/8."""

    def __init__(self, in_channels: int, widths: Sequence[int], *, norm: Norm | None, act: Activation | None) -> None:
        super().__init__()
        first, second, third, last = widths
        self.layer1 = ConvModule(in_channels, first, 7, stride=2, padding=3, norm=norm, act=act)
        self.layer2 = ConvModule(first, second, 3, stride=2, padding=1, norm=norm, act=act)
        self.layer3 = ConvModule(second, third, 3, stride=2, padding=1, norm=norm, act=act)
        self.layer4 = ConvModule(third, last, 1, norm=norm, act=act)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, widths[3], H / 8, W / 8)."""
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))


class ContextPath(nn.Module):
    """A classification network whose two last maps and global mean are refined and added (section 3.2, figure 2a).

    Args:
        backbone: gives four maps, at 1/4 to 1/32.
        channels: of its three last maps; the outputs have as many as the first of them.
        norm, act: of the convolutions.
    """

    def __init__(
        self, backbone: Backbone, channels: Sequence[int], *, norm: Norm | None, act: Activation | None
    ) -> None:
        super().__init__()
        width, mid, deep = channels
        self.backbone = backbone
        self.arm16 = AttentionRefinement(mid, width, norm=norm, act=act)
        self.arm32 = AttentionRefinement(deep, width, norm=norm, act=act)
        self.conv_head32 = ConvModule(width, width, 3, padding=1, norm=norm, act=act)
        self.conv_head16 = ConvModule(width, width, 3, padding=1, norm=norm, act=act)
        self.gap_conv = nn.Sequential(nn.AdaptiveAvgPool2d((1, 1)), ConvModule(deep, width, 1, norm=norm, act=act))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Image to (B, channels[0], H / 8, W / 8) and (B, channels[0], H / 16, W / 16)."""
        *_, at8, at16, at32 = self.backbone(x)
        refined = self.arm32(at32) + self.gap_conv(at32)
        context16 = self.conv_head32(F.interpolate(refined, size=at16.shape[-2:], mode="nearest"))
        refined = self.arm16(at16) + context16
        context8 = self.conv_head16(F.interpolate(refined, size=at8.shape[-2:], mode="nearest"))
        return context8, context16


class FeatureFusionModule(nn.Module):
    """Both paths concatenated, convolved, and completed by their channels that matter (section 3.3, figure 2c)."""

    def __init__(self, in_channels: int, out_channels: int, *, norm: Norm | None, act: Activation | None) -> None:
        super().__init__()
        self.conv1 = ConvModule(in_channels, out_channels, 1, norm=norm, act=act)
        self.gap = nn.AdaptiveAvgPool2d((1, 1))
        self.conv_atten = nn.Sequential(
            ConvModule(out_channels, out_channels, 1, bias=False, norm=norm, act=act), nn.Sigmoid()
        )

    def forward(self, spatial: Tensor, context: Tensor) -> Tensor:
        """Two maps of one size to (B, out_channels, H, W)."""
        fused = self.conv1(torch.cat([spatial, context], dim=1))
        return fused * self.conv_atten(self.gap(fused)) + fused


class BiSeNetV1(nn.Module):
    """BiSeNet without its classifiers.

    Args:
        backbone: of the context path; four maps, at 1/4 to 1/32.
        in_channels: channels of the image.
        spatial_channels: widths of the spatial path's four convolutions.
        context_channels: of the backbone's three last maps.
        out_indices: of (fused 1/8, context 1/8, context 1/16), which are returned.
        align_corners: without effect, as in the reference: the context is upsampled to the nearest neighbor.
        out_channels: of the fused map.
        norm, act: of the convolutions.

    Raises:
        InputError: lists of another length.
    """

    def __init__(
        self,
        backbone: Backbone,
        in_channels: int = 3,
        *,
        spatial_channels: Sequence[int] = (64, 64, 64, 128),
        context_channels: Sequence[int] = (128, 256, 512),
        out_indices: Sequence[int] = (0, 1, 2),
        align_corners: bool = False,
        out_channels: int = 256,
        norm: Norm | None = BN,
        act: Activation | None = RELU,
    ) -> None:
        super().__init__()
        if len(spatial_channels) != 4 or len(context_channels) != 3:
            raise InputError("BiSeNetV1: spatial_channels needs 4 values, context_channels 3")
        self.out_indices = out_indices
        self.context_path = ContextPath(backbone, context_channels, norm=norm, act=act)
        self.spatial_path = SpatialPath(in_channels, spatial_channels, norm=norm, act=act)
        self.ffm = FeatureFusionModule(spatial_channels[-1] + context_channels[0], out_channels, norm=norm, act=act)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Image (B, in_channels, H, W) to those of (fused, context 1/8, context 1/16) that ``out_indices`` names."""
        context8, context16 = self.context_path(x)
        features = (self.ffm(self.spatial_path(x), context8), context8, context16)
        return [features[i] for i in self.out_indices]
