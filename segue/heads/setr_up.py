"""SETR's naive and progressive upsampling heads (Zheng et al. 2020, arXiv:2012.15840, section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from torch import Tensor, nn

from segue.errors import InputError
from segue.layers.conv import ConvModule
from segue.layers.decode_head import DecodeHead, HeadOptions
from segue.layers.norm import LN_FINE, Norm
from segue.layers.patch_embed import to_map, to_tokens


class SETRUPHead(DecodeHead):
    """Normalized tokens, then steps of a convolution and bilinear upsampling.

    Args:
        norm_layer: of the tokens.
        num_convs: number of steps; one is SETR-Naive, four of factor 2 are SETR-PUP.
        up_scale: factor of each step.
        kernel_size: of the convolutions, 1 or 3.
    """

    def __init__(
        self,
        options: HeadOptions,
        *,
        norm_layer: Norm = LN_FINE,
        num_convs: int = 1,
        up_scale: int = 4,
        kernel_size: int = 3,
    ) -> None:
        if kernel_size not in (1, 3):
            raise InputError(f"SETRUPHead: kernel_size={kernel_size}; it must be 1 or 3")
        super().__init__(options)
        self.norm = norm_layer(self.in_channels)  # type: ignore[assignment]  # its name in checkpoints
        self.up_convs = nn.ModuleList(
            nn.Sequential(
                ConvModule(
                    self.in_channels if i == 0 else self.channels,
                    self.channels,
                    kernel_size,
                    padding=kernel_size // 2,
                    norm=options.norm,
                    act=self.act,
                ),
                nn.Upsample(scale_factor=up_scale, mode="bilinear", align_corners=self.align_corners),
            )
            for i in range(num_convs)
        )

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        """Feature maps to what is classified, (B, channels, H', W'), enlarged ``up_scale ** num_convs`` times."""
        x = self.select(features)
        x = to_map(cast(nn.Module, self.norm)(to_tokens(x)), (x.shape[2], x.shape[3]))
        for up_conv in self.up_convs:
            x = up_conv(x)
        return x
