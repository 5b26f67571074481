"""Deep dual-resolution network, DDRNet (Hong et al. 2021, arXiv:2101.06085).

A spatial branch stays at 1/8 of the image; a context branch goes down to 1/64; they exchange features twice (section
3.2), and the context is pooled by DAPPM (section 3.3) before both are added.

Deviation: any image size is taken; the reference demands sizes divisible by 8.
"""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from segue.layers.activation import RELU
from segue.layers.conv import ConvModule
from segue.layers.norm import BN, Norm
from segue.layers.resize import resize
from segue.layers.two_branch import DAPPM, BasicBlock, Bottleneck, branch_stage
from segue.types import Activation


class DDRNet(nn.Module):
    """DDRNet-23; ``channels=32, ppm_channels=128`` is the slim one.

    Args:
        in_channels: channels of the image.
        channels: width of the stem.
        ppm_channels: of each grid of the pyramid pooling.
        norm, act: of the convolutions.
        align_corners: of the resizing between the branches.
    """

    def __init__(
        self,
        in_channels: int = 3,
        channels: int = 32,
        ppm_channels: int = 128,
        *,
        align_corners: bool = False,
        norm: Norm = BN,
        act: Activation | None = RELU,
    ) -> None:
        super().__init__()
        self.align_corners = align_corners
        self.relu = nn.ReLU()
        double, quad = channels * 2, channels * 4

        def shortcut(c_in: int, c_out: int, stride: int) -> nn.Module:
            return nn.Sequential(nn.Conv2d(c_in, c_out, 1, stride=stride, bias=False), norm(c_out))

        stage = partial(branch_stage, shortcut=shortcut, norm=norm, act=act)
        self.stem = nn.Sequential(
            ConvModule(in_channels, channels, 3, stride=2, padding=1, norm=norm, act=act),
            ConvModule(channels, channels, 3, stride=2, padding=1, norm=norm, act=act),
            stage(BasicBlock, channels, channels, 2),
            nn.ReLU(),
            stage(BasicBlock, channels, double, 2, stride=2),
            nn.ReLU(),
        )
        self.context_branch_layers = nn.ModuleList(
            [
                stage(BasicBlock, double, quad, 2, stride=2),
                stage(BasicBlock, quad, channels * 8, 2, stride=2),
                stage(Bottleneck, channels * 8, channels * 8, stride=2),
            ]
        )
        self.spatial_branch_layers = nn.ModuleList(
            [
                stage(BasicBlock, double, double, 2),
                stage(BasicBlock, double, double, 2),
                stage(Bottleneck, double, double),
            ]
        )
        self.compression_1 = ConvModule(quad, double, 1, norm=norm, act=None)
        self.down_1 = ConvModule(double, quad, 3, stride=2, padding=1, norm=norm, act=None)
        self.compression_2 = ConvModule(channels * 8, double, 1, norm=norm, act=None)
        self.down_2 = nn.Sequential(
            ConvModule(double, quad, 3, stride=2, padding=1, norm=norm, act=act),
            ConvModule(quad, channels * 8, 3, stride=2, padding=1, norm=norm, act=None),
        )
        self.spp = DAPPM(channels * 16, ppm_channels, quad, norm=norm, act=RELU)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Image (B, in_channels, H, W) to two maps at 1/8.

        The first, (B, 2 * channels, ...), is the spatial branch after the first exchange, for the auxiliary loss; the
        second, (B, 4 * channels, ...), is the sum of both branches.
        """
        x = self.stem(x)
        size = x.shape[-2:]
        context = self.context_branch_layers[0](x)
        spatial = self.spatial_branch_layers[0](x)
        up = self.compression_1(self.relu(context))
        context = context + self.down_1(self.relu(spatial))
        early = spatial = spatial + resize(up, size, self.align_corners)

        context = self.context_branch_layers[1](self.relu(context))
        spatial = self.spatial_branch_layers[1](self.relu(spatial))
        up = self.compression_2(self.relu(context))
        context = context + self.down_2(self.relu(spatial))
        spatial = spatial + resize(up, size, self.align_corners)

        spatial = self.spatial_branch_layers[2](self.relu(spatial))
        context = self.spp(self.context_branch_layers[2](self.relu(context)))
        return [early, spatial + resize(context, size, self.align_corners)]
