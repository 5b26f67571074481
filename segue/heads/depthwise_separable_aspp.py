"""DeepLabV3+ (Chen et al. 2018, arXiv:1802.02611): ASPP of separable convolutions, refined by a fine feature map."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from segue.heads.aspp import ASPPHead
from segue.layers.conv import ConvModule
from segue.layers.decode_head import HeadOptions
from segue.layers.depthwise_separable import DepthwiseSeparableConvModule
from segue.layers.resize import resize


class DepthwiseSeparableASPPHead(ASPPHead):
    """The decoder of figure 2.

    Args:
        c1_in_channels: channels of the backbone's first map, the fine one; 0: do without.
        c1_channels: number of channels that the first map is reduced to.
        dilations: dilation of each ASPP branch.
    """

    def __init__(
        self,
        options: HeadOptions,
        *,
        c1_in_channels: int,
        c1_channels: int,
        dilations: Sequence[int] = (1, 6, 12, 18),
    ) -> None:
        super().__init__(options, dilations=dilations)
        fine = c1_channels if c1_in_channels > 0 else 0
        self.c1_bottleneck = ConvModule(c1_in_channels, c1_channels, 1, norm=self.norm, act=self.act) if fine else None
        self.sep_bottleneck = nn.Sequential(
            *(
                DepthwiseSeparableConvModule(width, self.channels, 3, padding=1, norm=self.norm, act=self.act)
                for width in (self.channels + fine, self.channels)
            )
        )

    def branch(self, dilation: int) -> nn.Module:
        """One branch; the dilated ones are separable."""
        if dilation == 1:
            return super().branch(dilation)
        return DepthwiseSeparableConvModule(
            self.in_channels,
            self.channels,
            3,
            padding=dilation,
            dilation=dilation,
            norm=self.norm,
            act=self.act,
        )

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        """Feature maps (the first is the fine one) to the features that are classified: (B, channels, H', W')."""
        x = self.context(self.select(features))
        if self.c1_bottleneck is not None:
            fine = self.c1_bottleneck(features[0])
            x = torch.cat([resize(x, fine.shape[-2:], self.align_corners), fine], dim=1)
        return self.sep_bottleneck(x)
