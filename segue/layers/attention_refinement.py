"""Attention refinement of BiSeNet (arXiv:1808.00897, section 3.2), which STDC (arXiv:2104.13188) uses too."""

from __future__ import annotations

from torch import Tensor, nn

from segue.layers.conv import ConvModule
from segue.layers.norm import Norm
from segue.types import Activation


class AttentionRefinement(nn.Module):
    """A 3 x 3 convolution, whose channels are weighted by what their mean over the image says (figure 2b)."""

    def __init__(self, in_channels: int, out_channels: int, *, norm: Norm | None, act: Activation | None) -> None:
        super().__init__()
        self.conv_layer = ConvModule(in_channels, out_channels, 3, padding=1, norm=norm, act=act)
        self.atten_conv_layer = nn.Sequential(
            nn.AdaptiveAvgPool2d((1, 1)),
            ConvModule(out_channels, out_channels, 1, bias=False, norm=norm, act=None),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, out_channels, H, W)."""
        x = self.conv_layer(x)
        return x * self.atten_conv_layer(x)
