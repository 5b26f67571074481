"""The head of EfficientViT for segmentation (Cai et al. 2023, arXiv:2205.14756, figure 6): a sum of maps, and blocks.

It is cheap, and for any encoder: each map is projected to a narrow one and resized to the size of the first, their sum
goes through inverted residuals, and is widened before it is classified. Deviation: maps are resized to the size of the
first, whatever it is; the authors multiply theirs by whole factors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from torch import Tensor, nn

from segue.errors import InputError
from segue.layers.conv import ConvModule
from segue.layers.decode_head import DecodeHead, HeadOptions
from segue.layers.inverted_residual import InvertedResidual
from segue.layers.resize import resize


class EfficientViTHead(DecodeHead):
    """Sum, inverted residuals, and a 1 x 1 convolution to ``channels``, which are classified.

    Args:
        width: channels of the sum and of the blocks.
        depth: number of blocks.
        expand_ratio: how much wider the middle of a block is.
        interpolate_mode: how the coarser maps are brought to the size of the first; the published models are bicubic.

    Raises:
        InputError: a width, depth or ratio that cannot be.
    """

    def __init__(
        self,
        options: HeadOptions,
        *,
        width: int = 64,
        depth: int = 3,
        expand_ratio: int = 4,
        interpolate_mode: Literal["bilinear", "bicubic"] = "bicubic",
    ) -> None:
        super().__init__(replace(options, input_transform="multiple_select"))
        if min(width, expand_ratio) < 1 or depth < 0:
            raise InputError(
                f"EfficientViTHead: width={width} and expand_ratio={expand_ratio} must be 1 or more, "
                f"depth={depth} 0 or more"
            )
        self.interpolate_mode = interpolate_mode
        self.inputs = nn.ModuleList(
            ConvModule(channels, width, 1, norm=self.norm, act=None) for channels in self.in_channels
        )
        self.blocks = nn.Sequential(
            *(
                InvertedResidual(width, width, stride=1, expand_ratio=expand_ratio, norm=self.norm, act=self.act)
                for _ in range(depth)
            )
        )
        self.expand = ConvModule(width, self.channels, 1, norm=self.norm, act=self.act)

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        """Feature maps to what is classified, (B, channels, H', W') at the size of the first."""
        maps = [conv(x) for conv, x in zip(self.inputs, self.select_all(features), strict=True)]
        size = maps[0].shape[-2:]
        total = maps[0]
        for x in maps[1:]:
            total = total + resize(x, size, self.align_corners, self.interpolate_mode)
        return self.expand(self.blocks(total))
