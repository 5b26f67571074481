"""The inverted residual of MobileNetV2 (arXiv:1801.04381, section 3.3), which Fast-SCNN uses too."""

from __future__ import annotations

from torch import Tensor, nn

from segue.layers.conv import ConvModule
from segue.layers.norm import Norm
from segue.layers.recompute import recompute
from segue.types import Activation


def make_divisible(value: float, divisor: int, min_ratio: float = 0.9) -> int:
    """The multiple of ``divisor`` nearest to ``value``, but at least ``divisor`` and ``min_ratio * value``."""
    nearest = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return nearest if nearest >= min_ratio * value else nearest + divisor


class InvertedResidual(nn.Module):
    """1 x 1 to a wide map, 3 x 3 per channel, 1 x 1 back without activation; a shortcut where the shapes agree.

    Args:
        in_channels, out_channels: of the narrow ends.
        stride, dilation: of the 3 x 3.
        expand_ratio: how much wider the middle is; 1 leaves the first 1 x 1 out.
        norm, act: of the convolutions.
        with_cp: recompute the block in the backward pass, to save memory.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        stride: int,
        expand_ratio: int,
        dilation: int = 1,
        norm: Norm | None,
        act: Activation | None,
        with_cp: bool = False,
    ) -> None:
        super().__init__()
        width = round(in_channels * expand_ratio)
        self.with_cp = with_cp
        self.has_shortcut = stride == 1 and in_channels == out_channels
        layers = [ConvModule(in_channels, width, 1, norm=norm, act=act)] if expand_ratio != 1 else []
        layers += [
            ConvModule(
                width,
                width,
                3,
                stride=stride,
                padding=dilation,
                dilation=dilation,
                groups=width,
                norm=norm,
                act=act,
            ),
            ConvModule(width, out_channels, 1, norm=norm, act=None),
        ]
        self.conv = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, out_channels, H / stride, W / stride)."""
        if self.with_cp and x.requires_grad:
            return recompute(self._sum, x)
        return self._sum(x)

    def _sum(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.has_shortcut else self.conv(x)
