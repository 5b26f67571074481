"""The fusion of ICNet's branches (arXiv:1704.08545, section 3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from torch import Tensor, nn
from torch.nn import functional as F

from segue.errors import InputError
from segue.layers.activation import RELU
from segue.layers.conv import ConvModule
from segue.layers.norm import BN, Norm
from segue.layers.resize import resize
from segue.types import Activation


class CascadeFeatureFusion(nn.Module):
    """A coarse map, upsampled and convolved with dilation 2, added to a fine one (figure 3)."""

    def __init__(
        self,
        coarse_channels: int,
        fine_channels: int,
        out_channels: int,
        *,
        norm: Norm | None,
        act: Activation | None,
        align_corners: bool,
    ) -> None:
        super().__init__()
        self.align_corners = align_corners
        self.conv_low = ConvModule(coarse_channels, out_channels, 3, padding=2, dilation=2, norm=norm, act=act)
        self.conv_high = ConvModule(fine_channels, out_channels, 1, norm=norm, act=act)

    def forward(self, coarse: Tensor, fine: Tensor) -> tuple[Tensor, Tensor]:
        """(B, coarse_channels, h, w) and (B, fine_channels, H, W) to the sum and the coarse map, both (B, C, H, W)."""
        coarse = self.conv_low(resize(coarse, fine.shape[-2:], self.align_corners))
        return F.relu(coarse + self.conv_high(fine)), coarse


class ICNeck(nn.Module):
    """Fuses three maps, coarse to fine.

    Args:
        in_channels: of the three maps, finest first.
        out_channels: of the results.
        norm, act: of the convolutions; sums pass a ReLU in any case.
        align_corners: of the resizing.

    Raises:
        InputError: another number of maps.
    """

    def __init__(
        self,
        in_channels: Sequence[int] = (64, 256, 256),
        out_channels: int = 128,
        *,
        norm: Norm | None = BN,
        act: Activation | None = RELU,
        align_corners: bool = False,
    ) -> None:
        super().__init__()
        if len(in_channels) != 3:
            raise InputError(f"ICNeck: in_channels={tuple(in_channels)}; it fuses 3 maps")
        fine, mid, coarse = in_channels
        fuse = partial(CascadeFeatureFusion, norm=norm, act=act, align_corners=align_corners)
        self.cff_24 = fuse(coarse, mid, out_channels)
        self.cff_12 = fuse(out_channels, fine, out_channels)

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Maps at 1/8, 1/16 and 1/32 to the guided ones at 1/16 and 1/8, for auxiliary losses, and the fused at 1/8."""
        fine, mid, coarse = features
        fused, guided_mid = self.cff_24(coarse, mid)
        fused, guided_fine = self.cff_12(fused, fine)
        return [guided_mid, guided_fine, fused]
