"""Fast-SCNN (Poudel et al. 2019, arXiv:1902.04502): one shallow stem feeds a fine and a coarse path, fused by a sum."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from segue.errors import InputError
from segue.layers.activation import RELU
from segue.layers.conv import ConvModule
from segue.layers.depthwise_separable import DepthwiseSeparableConvModule
from segue.layers.inverted_residual import InvertedResidual
from segue.layers.norm import BN, Norm
from segue.layers.pyramid_pooling import PyramidPooling
from segue.layers.resize import resize
from segue.types import Activation


class LearningToDownsample(nn.Module):
    """A convolution and two separable ones, each with stride 2 (section 3.2.1): image to 1/8."""

    def __init__(
        self,
        in_channels: int,
        widths: Sequence[int],
        out_channels: int,
        *,
        norm: Norm | None,
        act: Activation | None,
        depthwise_act: Activation | None,
    ) -> None:
        super().__init__()

        def separable(c_in: int, c_out: int) -> DepthwiseSeparableConvModule:
            return DepthwiseSeparableConvModule(
                c_in,
                c_out,
                3,
                stride=2,
                padding=1,
                norm=norm,
                act=act,
                depthwise_act=depthwise_act or nn.Identity,
            )

        self.conv = ConvModule(in_channels, widths[0], 3, stride=2, padding=1, norm=norm, act=act)
        self.dsconv1 = separable(widths[0], widths[1])
        self.dsconv2 = separable(widths[1], out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, out_channels, H / 8, W / 8)."""
        return self.dsconv2(self.dsconv1(self.conv(x)))


class GlobalFeatureExtractor(nn.Module):
    """Three groups of three inverted residuals and pyramid pooling (section 3.2.2): 1/8 to 1/32."""

    def __init__(
        self,
        in_channels: int,
        widths: Sequence[int],
        out_channels: int,
        *,
        strides: Sequence[int],
        norm: Norm | None,
        act: Activation | None,
        align_corners: bool,
    ) -> None:
        super().__init__()
        sources = [in_channels, *widths]
        self.bottleneck1, self.bottleneck2, self.bottleneck3 = (
            nn.Sequential(
                *(
                    InvertedResidual(
                        sources[i] if j == 0 else widths[i],
                        widths[i],
                        stride=strides[i] if j == 0 else 1,
                        expand_ratio=6,
                        norm=norm,
                        act=act,
                    )
                    for j in range(3)
                )
            )
            for i in range(3)
        )
        self.ppm = PyramidPooling((1, 2, 3, 6), widths[2], widths[2] // 4, norm, act, align_corners)
        self.out = ConvModule(widths[2] + 4 * (widths[2] // 4), out_channels, 3, padding=1, norm=norm, act=act)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H / 8, W / 8) to (B, out_channels, H / 32, W / 32)."""
        x = self.bottleneck3(self.bottleneck2(self.bottleneck1(x)))
        return self.out(torch.cat([x, *self.ppm(x)], dim=1))


class FeatureFusion(nn.Module):
    """The coarse map, upsampled and convolved, added to the fine one (section 3.2.3, table 3)."""

    def __init__(
        self,
        fine_channels: int,
        coarse_channels: int,
        out_channels: int,
        *,
        norm: Norm | None,
        act: Activation | None,
        depthwise_act: Activation | None,
        align_corners: bool,
    ) -> None:
        super().__init__()
        self.align_corners = align_corners
        self.dwconv = ConvModule(
            coarse_channels, out_channels, 3, padding=1, groups=out_channels, norm=norm, act=depthwise_act or act
        )
        self.conv_lower_res = ConvModule(out_channels, out_channels, 1, norm=norm, act=None)
        self.conv_higher_res = ConvModule(fine_channels, out_channels, 1, norm=norm, act=None)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        """(B, fine_channels, H, W) and (B, coarse_channels, H', W') to (B, out_channels, H, W)."""
        coarse = self.dwconv(resize(coarse, fine.shape[-2:], self.align_corners))
        return self.relu(self.conv_higher_res(fine) + self.conv_lower_res(coarse))


class FastSCNN(nn.Module):
    """Fast-SCNN without its classifier.

    Args:
        in_channels: channels of the image.
        downsample_dw_channels: widths of the stem's first two convolutions.
        global_in_channels: of the stem's output; ``higher_in_channels`` is the same number.
        global_block_channels, global_block_strides: of the three groups of inverted residuals.
        global_out_channels: of the coarse path's output; ``lower_in_channels`` is the same number.
        fusion_out_channels: of the fused map.
        out_indices: of (stem 1/8, coarse 1/32, fused 1/8), which are returned.
        norm, act: of the convolutions; ``dw_act`` of those per channel, by default none in the stem.
        align_corners: of the resizing.

    Raises:
        InputError: numbers that must agree and do not.
    """

    def __init__(
        self,
        in_channels: int = 3,
        *,
        downsample_dw_channels: Sequence[int] = (32, 48),
        global_in_channels: int = 64,
        global_block_channels: Sequence[int] = (64, 96, 128),
        global_block_strides: Sequence[int] = (2, 2, 1),
        global_out_channels: int = 128,
        higher_in_channels: int = 64,
        lower_in_channels: int = 128,
        fusion_out_channels: int = 128,
        out_indices: Sequence[int] = (0, 1, 2),
        norm: Norm | None = BN,
        act: Activation | None = RELU,
        align_corners: bool = False,
        dw_act: Activation | None = None,
    ) -> None:
        super().__init__()
        if global_in_channels != higher_in_channels or global_out_channels != lower_in_channels:
            raise InputError(
                f"FastSCNN: global_in_channels={global_in_channels} and higher_in_channels={higher_in_channels} must "
                f"agree, and global_out_channels={global_out_channels} and lower_in_channels={lower_in_channels}"
            )
        if len(downsample_dw_channels) != 2 or len(global_block_channels) != 3 or len(global_block_strides) != 3:
            raise InputError(
                "FastSCNN: downsample_dw_channels needs 2 values, global_block_channels and global_block_strides 3 each"
            )
        self.out_indices = out_indices
        self.learning_to_downsample = LearningToDownsample(
            in_channels, downsample_dw_channels, global_in_channels, norm=norm, act=act, depthwise_act=dw_act
        )
        self.global_feature_extractor = GlobalFeatureExtractor(
            global_in_channels,
            global_block_channels,
            global_out_channels,
            strides=global_block_strides,
            norm=norm,
            act=act,
            align_corners=align_corners,
        )
        self.feature_fusion = FeatureFusion(
            higher_in_channels,
            lower_in_channels,
            fusion_out_channels,
            norm=norm,
            act=act,
            depthwise_act=dw_act,
            align_corners=align_corners,
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """Image (B, in_channels, H, W) to those of (stem, coarse, fused) that ``out_indices`` names."""
        fine = self.learning_to_downsample(x)
        coarse = self.global_feature_extractor(fine)
        features = (fine, coarse, self.feature_fusion(fine, coarse))
        return [features[i] for i in self.out_indices]
