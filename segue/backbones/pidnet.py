"""PIDNet (Xu et al. 2022, arXiv:2206.02066): three branches, as the terms of a PID controller.

P keeps details at 1/8 of the image, I gathers context down to 1/64, D finds boundaries at 1/8. P takes from I what Pag
finds alike (section 3.2), D takes its differences, and a boundary-guided sum joins the three (Bag, section 3.4).

Deviation: any image size is taken; the reference demands sizes divisible by 8.
"""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from segue.layers.activation import RELU
from segue.layers.conv import ConvModule
from segue.layers.norm import BN, Norm
from segue.layers.pre_conv import PreConv
from segue.layers.resize import resize
from segue.layers.two_branch import DAPPM, PAPPM, BasicBlock, Bottleneck, branch_stage
from segue.types import Activation


class PagFM(nn.Module):
    """Pixel-attention-guided fusion: sigma * I + (1 - sigma) * P, sigma from their similarity (equations 3 and 4)."""

    def __init__(self, in_channels: int, channels: int, *, norm: Norm) -> None:
        super().__init__()
        self.f_i = ConvModule(in_channels, channels, 1, norm=norm, act=None)
        self.f_p = ConvModule(in_channels, channels, 1, norm=norm, act=None)

    def forward(self, p: Tensor, i: Tensor) -> Tensor:
        """(B, in_channels, H, W) and (B, in_channels, H', W') to (B, in_channels, H, W)."""
        size = p.shape[-2:]
        similarity = (self.f_p(p) * resize(self.f_i(i), size)).sum(dim=1, keepdim=True)
        sigma = similarity.sigmoid()
        return sigma * resize(i, size) + (1 - sigma) * p


class Bag(nn.Module):
    """Boundary-attention-guided fusion: P where D sees a boundary, else I (equation 6), then a 3 x 3 convolution."""

    def __init__(self, in_channels: int, out_channels: int, *, norm: Norm, act: Activation | None) -> None:
        super().__init__()
        self.conv = PreConv(in_channels, out_channels, 3, padding=1, norm=norm, act=act)

    def forward(self, p: Tensor, i: Tensor, d: Tensor) -> Tensor:
        """Three (B, in_channels, H, W) to (B, out_channels, H, W)."""
        sigma = d.sigmoid()
        return self.conv(sigma * p + (1 - sigma) * i)


class LightBag(nn.Module):
    """The light form of ``Bag`` (equation 7): a 1 x 1 convolution for each branch, of sums that sigma weighs."""

    def __init__(self, in_channels: int, out_channels: int, *, norm: Norm) -> None:
        super().__init__()
        self.f_p = ConvModule(in_channels, out_channels, 1, norm=norm, act=None)
        self.f_i = ConvModule(in_channels, out_channels, 1, norm=norm, act=None)

    def forward(self, p: Tensor, i: Tensor, d: Tensor) -> Tensor:
        """Three (B, in_channels, H, W) to (B, out_channels, H, W)."""
        sigma = d.sigmoid()
        return self.f_p((1 - sigma) * i + p) + self.f_i(i + sigma * p)


class PIDNet(nn.Module):
    """PIDNet-S; M has ``channels=64``, L ``channels=64, ppm_channels=112, num_stem_blocks=3, num_branch_blocks=4``.

    Args:
        in_channels: channels of the image.
        channels: width of the stem.
        ppm_channels: of each grid of the pyramid pooling.
        num_stem_blocks: residual blocks of each stem stage and of the P branch; 2 selects the light pooling and fusion
            and the narrow D branch of S and M.
        num_branch_blocks: residual blocks of each stage of the I branch.
        align_corners: of the resizing between the branches.
        norm, act: of the convolutions.
    """

    def __init__(
        self,
        in_channels: int = 3,
        channels: int = 64,
        ppm_channels: int = 96,
        num_stem_blocks: int = 2,
        num_branch_blocks: int = 3,
        *,
        align_corners: bool = False,
        norm: Norm = BN,
        act: Activation | None = RELU,
    ) -> None:
        super().__init__()
        self.align_corners = align_corners
        self.relu = nn.ReLU()
        light = num_stem_blocks == 2
        double, quad, eight = channels * 2, channels * 4, channels * 8

        def shortcut(c_in: int, c_out: int, stride: int) -> nn.Module:
            return ConvModule(c_in, c_out, 1, stride=stride, norm=norm, act=None)

        stage = partial(branch_stage, shortcut=shortcut, norm=norm, act=act)
        self.stem = nn.Sequential(
            ConvModule(in_channels, channels, 3, stride=2, padding=1, norm=norm, act=act),
            ConvModule(channels, channels, 3, stride=2, padding=1, norm=norm, act=act),
            stage(BasicBlock, channels, channels, num_stem_blocks),
            nn.ReLU(),
            stage(BasicBlock, channels, double, num_stem_blocks, stride=2),
            nn.ReLU(),
        )
        self.i_branch_layers = nn.ModuleList(
            [
                stage(BasicBlock, double, quad, num_branch_blocks, stride=2),
                stage(BasicBlock, quad, eight, num_branch_blocks, stride=2),
                stage(Bottleneck, eight, eight, 2, stride=2),
            ]
        )
        self.p_branch_layers = nn.ModuleList(
            [
                stage(BasicBlock, double, double, num_stem_blocks),
                stage(BasicBlock, double, double, num_stem_blocks),
                stage(Bottleneck, double, double),
            ]
        )
        self.compression_1 = ConvModule(quad, double, 1, norm=norm, act=None)
        self.compression_2 = ConvModule(eight, double, 1, norm=norm, act=None)
        self.pag_1 = PagFM(double, channels, norm=norm)
        self.pag_2 = PagFM(double, channels, norm=norm)
        narrow = channels if light else double
        self.d_branch_layers = nn.ModuleList(
            [
                # Single blocks, not stages of one, in published checkpoints.
                stage(BasicBlock, double, narrow)[0],
                stage(Bottleneck, channels, channels) if light else stage(BasicBlock, double, double)[0],
                stage(Bottleneck, double, double),
            ]
        )
        self.diff_1 = ConvModule(quad, narrow, 3, padding=1, norm=norm, act=None)
        self.diff_2 = ConvModule(eight, double, 3, padding=1, norm=norm, act=None)
        pooling = PAPPM if light else DAPPM
        self.spp = pooling(channels * 16, ppm_channels, quad, norm=norm, act=RELU)
        self.dfm = LightBag(quad, quad, norm=norm) if light else Bag(quad, quad, norm=norm, act=RELU)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Image (B, in_channels, H, W) to the maps of P, of all three, and of D, at 1/8.

        P and D, (B, 2 * channels, ...), are taken after the second exchange and only serve the losses; the map of all
        three is (B, 4 * channels, ...).
        """
        x = self.stem(x)
        size = x.shape[-2:]
        i = self.relu(self.i_branch_layers[0](x))
        p = self.p_branch_layers[0](x)
        d = self.d_branch_layers[0](x)
        p = self.pag_1(p, self.compression_1(i))
        d = d + resize(self.diff_1(i), size, self.align_corners)
        early_p = p

        i = self.relu(self.i_branch_layers[1](i))
        p = self.p_branch_layers[1](self.relu(p))
        d = self.d_branch_layers[1](self.relu(d))
        p = self.pag_2(p, self.compression_2(i))
        d = d + resize(self.diff_2(i), size, self.align_corners)
        early_d = d

        p = self.p_branch_layers[2](self.relu(p))
        d = self.d_branch_layers[2](self.relu(d))
        i = resize(self.spp(self.i_branch_layers[2](i)), size, self.align_corners)
        return [early_p, self.dfm(p, i, d), early_d]
