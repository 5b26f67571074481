"""Feature maps of one size, as a plain transformer gives them (ViT, arXiv:2010.11929), resized to a pyramid."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from segue.errors import InputError
from segue.layers.conv import ConvModule
from segue.layers.initialize import initialize_xavier
from segue.layers.norm import Norm
from segue.types import Activation


class MultiLevelNeck(nn.Module):
    """A 1 x 1 convolution, bilinear resizing and a 3 x 3 convolution per map.

    Args:
        in_channels: of each map.
        out_channels: of each output.
        scales: factor of each output's size; a single map is used for all of them.
        norm, act: of the convolutions.

    Raises:
        InputError: numbers of maps and scales that do not fit.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: int,
        *,
        scales: Sequence[float] = (0.5, 1, 2, 4),
        norm: Norm | None = None,
        act: Activation | None = None,
    ) -> None:
        super().__init__()
        if len(in_channels) not in (1, len(scales)):
            raise InputError(f"MultiLevelNeck: {len(in_channels)} in_channels with {len(scales)} scales")
        self.scales = scales
        self.lateral_convs = nn.ModuleList(ConvModule(c, out_channels, 1, norm=norm, act=act) for c in in_channels)
        self.convs = nn.ModuleList(
            ConvModule(out_channels, out_channels, 3, padding=1, norm=norm, act=act) for _ in scales
        )
        initialize_xavier(self)

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Maps (B, in_channels[i], H, W) to (B, out_channels, H * scales[i], W * scales[i])."""
        if len(features) != len(self.lateral_convs):
            raise InputError(f"MultiLevelNeck: {len(features)} feature maps for {len(self.lateral_convs)} in_channels")
        laterals = [conv(x) for conv, x in zip(self.lateral_convs, features, strict=True)]
        if len(laterals) == 1:
            laterals *= len(self.scales)
        resized = (
            F.interpolate(x, scale_factor=float(scale), mode="bilinear") if scale != 1 else x
            for x, scale in zip(laterals, self.scales, strict=True)
        )
        return [conv(x) for conv, x in zip(self.convs, resized, strict=True)]
