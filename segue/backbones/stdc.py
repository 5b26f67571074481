"""Short-term dense concatenation, STDC (Fan et al. 2021, arXiv:2104.13188): a light classifier that suits segmentation.

Each module halves the width at each convolution and concatenates all of them (section 3.1). The context path refines
the maps at 1/32 and 1/16 as BiSeNet does and fuses them with the one at 1/8 (section 3.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.errors import InputError
from segue.layers.activation import RELU
from segue.layers.attention_refinement import AttentionRefinement
from segue.layers.conv import ConvModule
from segue.layers.norm import BN, Norm
from segue.types import Activation, Backbone

#: strides of the modules of stages 3 to 5 (table 2)
STAGES: dict[str, tuple[tuple[int, ...], ...]] = {
    "STDCNet1": ((2, 1), (2, 1), (2, 1)),
    "STDCNet2": ((2, 1, 1, 1), (2, 1, 1, 1, 1), (2, 1, 1)),
}


class STDCModule(nn.Module):
    """Convolutions of decreasing width, all concatenated (figure 3).

    Args:
        in_channels, out_channels: of the module.
        stride: 1, or 2 after the first convolution (figure 3c).
        num_convs: number of convolutions; the last two have the same width.
        fusion: ``cat`` returns the concatenation, ``add`` adds the input to it.
        norm, act: of the convolutions.

    Raises:
        InputError: fewer than two convolutions.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        *,
        num_convs: int = 4,
        fusion: Literal["cat", "add"] = "cat",
        norm: Norm | None,
        act: Activation | None,
    ) -> None:
        super().__init__()
        if num_convs < 2:
            raise InputError(f"STDCNet: num_convs={num_convs}; a module needs at least 2 convolutions")
        self.fusion = fusion
        widths = [out_channels // 2 ** min(i + 1, num_convs - 1) for i in range(num_convs)]
        first: nn.Module = ConvModule(in_channels, widths[0], 1, norm=norm, act=act)
        rest = (
            ConvModule(widths[i - 1], widths[i], 3, padding=1, norm=norm, act=act)  # the first is strided before it
            for i in range(1, num_convs)
        )
        downsample: nn.Module | None = None
        skip: nn.Module | None = None
        if stride == 2:
            downsample = _depthwise(widths[0], norm)
            skip = nn.AvgPool2d(3, stride=2, padding=1)
        if downsample is not None and fusion == "add":
            first = nn.Sequential(first, downsample)  # under both names in checkpoints
            skip = nn.Sequential(
                _depthwise(in_channels, norm), ConvModule(in_channels, out_channels, 1, norm=norm, act=None)
            )
        self.layers = nn.ModuleList([first, *rest])
        self.downsample = downsample
        self.skip = skip

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, out_channels, H / stride, W / stride)."""
        first = self.layers[0](x)
        out = self.downsample(first) if self.downsample and self.fusion == "cat" else first
        outputs = [first]
        for layer in self.layers[1:]:
            out = layer(out)
            outputs.append(out)
        skip = self.skip or nn.Identity()
        if self.fusion == "add":
            beside: Tensor = skip(x)
            return torch.cat(outputs, dim=1) + beside
        return torch.cat([skip(first), *outputs[1:]], dim=1)


def _depthwise(channels: int, norm: Norm | None) -> ConvModule:
    return ConvModule(channels, channels, 3, stride=2, padding=1, groups=channels, norm=norm, act=None)


class STDCNet(nn.Module):
    """The classification network without its classifier (table 2).

    Args:
        stdc_type: ``STDCNet1`` or ``STDCNet2``, the deeper one.
        in_channels: channels of the image.
        channels: widths of the five stages.
        bottleneck_type: how modules join their convolutions, see ``STDCModule``.
        norm, act: of the convolutions.
        num_convs: convolutions of each module.
        with_final_conv: widen the last map by a 1 x 1 convolution to at least 1024 channels.

    Raises:
        InputError: another number of widths.
    """

    def __init__(
        self,
        stdc_type: Literal["STDCNet1", "STDCNet2"],
        in_channels: int = 3,
        channels: Sequence[int] = (32, 64, 256, 512, 1024),
        *,
        bottleneck_type: Literal["cat", "add"] = "cat",
        norm: Norm | None = BN,
        act: Activation | None = RELU,
        num_convs: int = 4,
        with_final_conv: bool = False,
    ) -> None:
        super().__init__()
        if len(channels) != 5:
            raise InputError(f"STDCNet: channels={tuple(channels)}; the five stages need 5 widths")
        stages: list[nn.Module] = [
            ConvModule(in_channels, channels[0], 3, stride=2, padding=1, norm=norm, act=act),
            ConvModule(channels[0], channels[1], 3, stride=2, padding=1, norm=norm, act=act),
        ]
        for i, strides in enumerate(STAGES[stdc_type], start=2):
            modules = [
                STDCModule(
                    channels[i - 1] if j == 0 else channels[i],
                    channels[i],
                    stride,
                    num_convs=num_convs,
                    fusion=bottleneck_type,
                    norm=norm,
                    act=act,
                )
                for j, stride in enumerate(strides)
            ]
            stages.append(nn.Sequential(*modules))
        self.stages = nn.ModuleList(stages)
        self.final_conv: nn.Module | None = None
        if with_final_conv:
            self.final_conv = ConvModule(channels[-1], max(1024, channels[-1]), 1, norm=norm, act=act)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Image (B, in_channels, H, W) to the maps at 1/8, 1/16 and 1/32."""
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        if self.final_conv is not None:
            features[-1] = self.final_conv(features[-1])
        return features[-3:]


@dataclass(frozen=True, kw_only=True)
class FusionOptions:
    """Widths of the feature fusion: ``scale_factor`` divides that of its attention."""

    in_channels: int = 512
    out_channels: int = 256
    scale_factor: int = 4


class FeatureFusionModule(nn.Module):
    """Details and context concatenated, convolved, and completed by their channels that matter."""

    def __init__(self, options: FusionOptions, *, norm: Norm | None, act: Activation | None) -> None:
        super().__init__()
        width = options.out_channels
        hidden = width // options.scale_factor
        self.conv0 = ConvModule(options.in_channels, width, 1, norm=norm, act=act)
        self.attention = nn.Sequential(
            nn.AdaptiveAvgPool2d((1, 1)),
            ConvModule(width, hidden, 1, bias=False, act=act),
            ConvModule(hidden, width, 1, bias=False, act=None),
            nn.Sigmoid(),
        )

    def forward(self, spatial: Tensor, context: Tensor) -> Tensor:
        """Two maps of one size to (B, out_channels, H, W)."""
        fused = self.conv0(torch.cat([spatial, context], dim=1))
        return fused * self.attention(fused) + fused


class STDCContextPathNet(nn.Module):
    """STDC with its context path, without its classifiers.

    Args:
        backbone: gives maps at 1/8, 1/16 and 1/32.
        last_in_channels: of its maps at 1/32 and 1/16.
        out_channels: of the refined maps.
        ffm: widths of the fusion.
        upsample_mode, align_corners: of the refined maps.
        norm: of the convolutions.
    """

    def __init__(
        self,
        backbone: Backbone,
        last_in_channels: Sequence[int] = (1024, 512),
        out_channels: int = 128,
        *,
        ffm: FusionOptions | None = None,
        upsample_mode: Literal["nearest", "bilinear"] = "nearest",
        align_corners: bool | None = None,
        norm: Norm | None = BN,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.upsample_mode = upsample_mode
        self.align_corners = align_corners
        self.arms = nn.ModuleList(AttentionRefinement(c, out_channels, norm=norm, act=RELU) for c in last_in_channels)
        self.convs = nn.ModuleList(
            ConvModule(out_channels, out_channels, 3, padding=1, norm=norm) for _ in last_in_channels
        )
        self.conv_avg = ConvModule(last_in_channels[0], out_channels, 1, norm=norm)
        self.ffm = FeatureFusionModule(ffm or FusionOptions(), norm=norm, act=RELU)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Image to the backbone's map at 1/8, the context at 1/16 and 1/8, and the fused map at 1/8."""
        maps = list(self.backbone(x))
        context = self._up(self.conv_avg(F.adaptive_avg_pool2d(maps[-1], 1)), maps[-1])
        refined = []
        for i, (arm, conv) in enumerate(zip(self.arms, self.convs, strict=True)):
            context = conv(self._up(arm(maps[-1 - i]) + context, maps[-2 - i]))
            refined.append(context)
        return [maps[0], *refined, self.ffm(maps[0], context)]

    def _up(self, x: Tensor, like: Tensor) -> Tensor:
        return F.interpolate(x, size=like.shape[-2:], mode=self.upsample_mode, align_corners=self.align_corners)
