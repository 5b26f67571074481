"""ICNet (Zhao et al. 2017, arXiv:1704.08545): the image at full, half and quarter size, each by a network whose depth
its size can afford.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.backbones.resnet import ResNet
from segue.errors import InputError
from segue.layers.activation import RELU
from segue.layers.conv import ConvModule
from segue.layers.norm import BN, Norm
from segue.layers.pyramid_pooling import PyramidPooling
from segue.types import Activation


class ICNet(nn.Module):
    """The three branches; ``ICNeck`` fuses their maps (section 3.2, figure 2).

    The first two stages of the deep network see the half-sized image; its other stages, shared by the quarter-sized
    branch, see their output halved.

    Args:
        backbone: the deep network.
        in_channels: channels of the image.
        layer_channels: of the deep network's second and last stage.
        light_branch_middle_channels: width of the shallow branch, which sees the full image.
        psp_out_channels: of each grid of the pyramid pooling, and of its result.
        out_channels: of the three maps.
        pool_scales: sides of the pyramid's grids, in cells.
        norm, act: of the convolutions.
        align_corners: of the resizing.
    """

    def __init__(
        self,
        backbone: ResNet,
        in_channels: int = 3,
        *,
        layer_channels: Sequence[int] = (512, 2048),
        light_branch_middle_channels: int = 32,
        psp_out_channels: int = 512,
        out_channels: Sequence[int] = (64, 256, 256),
        pool_scales: Sequence[int] = (1, 2, 3, 6),
        norm: Norm | None = BN,
        act: Activation | None = RELU,
        align_corners: bool = False,
    ) -> None:
        super().__init__()
        if not isinstance(backbone, nn.Module):
            raise InputError(f"ICNet: backbone_cfg={backbone!r}; it needs the dict of the deep network")
        self.align_corners = align_corners
        self.backbone = backbone
        # As in the reference, the corner of an odd-sized map is kept.
        self.backbone.maxpool = nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True)
        self.psp_modules = PyramidPooling(pool_scales, layer_channels[1], psp_out_channels, norm, act, align_corners)
        self.psp_bottleneck = ConvModule(
            layer_channels[1] + len(pool_scales) * psp_out_channels,
            psp_out_channels,
            3,
            padding=1,
            norm=norm,
            act=act,
        )
        width = light_branch_middle_channels
        self.conv_sub1 = nn.Sequential(
            ConvModule(in_channels, width, 3, stride=2, padding=1, norm=norm, act=act),
            ConvModule(width, width, 3, stride=2, padding=1, norm=norm, act=act),
            ConvModule(width, out_channels[0], 3, stride=2, padding=1, norm=norm, act=act),
        )
        self.conv_sub2 = ConvModule(layer_channels[0], out_channels[1], 1, norm=norm, act=act)
        self.conv_sub4 = ConvModule(psp_out_channels, out_channels[2], 1, norm=norm, act=act)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Image (B, in_channels, H, W) to maps at 1/8, 1/16 and 1/32."""
        first, second, *rest = self.backbone.stages
        half = self.backbone.embed(self._halve(x))
        half = getattr(self.backbone, second)(getattr(self.backbone, first)(half))
        quarter = self._halve(half)
        for name in rest:
            quarter = getattr(self.backbone, name)(quarter)
        quarter = self.psp_bottleneck(torch.cat([*self.psp_modules(quarter), quarter], dim=1))
        return [self.conv_sub1(x), self.conv_sub2(half), self.conv_sub4(quarter)]

    def _halve(self, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=0.5, mode="bilinear", align_corners=self.align_corners)
