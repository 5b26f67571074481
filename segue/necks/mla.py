"""Multi-level aggregation of SETR (Zheng et al. 2020, arXiv:2012.15840, section 3.2): deep maps added to others."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from segue.errors import InputError
from segue.layers.conv import ConvModule
from segue.layers.norm import LN_FINE, Norm
from segue.layers.patch_embed import to_map, to_tokens
from segue.types import Activation


class Aggregation(nn.Module):
    """A 1 x 1 convolution per map, running sums from the deepest on, a 3 x 3 convolution per sum."""

    def __init__(
        self, in_channels: Sequence[int], out_channels: int, norm: Norm | None, act: Activation | None
    ) -> None:
        super().__init__()
        self.channel_proj = nn.ModuleList(ConvModule(c, out_channels, 1, norm=norm, act=act) for c in in_channels)
        self.feat_extract = nn.ModuleList(
            ConvModule(out_channels, out_channels, 3, padding=1, norm=norm, act=act) for _ in in_channels
        )

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Maps (B, in_channels[i], H, W), deepest last, to (B, out_channels, H, W), deepest first."""
        projected = [conv(x) for conv, x in zip(self.channel_proj, features, strict=True)]
        sums = [projected[-1]]
        for x in projected[-2::-1]:
            sums.append(sums[-1] + x)
        return [conv(x) for conv, x in zip(self.feat_extract, sums, strict=True)]


class MLANeck(nn.Module):
    """Normalizes the maps of a plain transformer and aggregates them.

    Args:
        in_channels: of each map.
        out_channels: of each output.
        norm_layer: of the tokens.
        norm, act: of the convolutions.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: int,
        *,
        norm_layer: Norm = LN_FINE,
        norm: Norm | None = None,
        act: Activation | None = None,
    ) -> None:
        super().__init__()
        self.norm = nn.ModuleList(norm_layer(c) for c in in_channels)
        self.mla = Aggregation(in_channels, out_channels, norm, act)

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Maps (B, in_channels[i], H, W) to as many (B, out_channels, H, W), deepest first.

        Raises:
            InputError: another number of maps than of ``in_channels``.
        """
        if len(features) != len(self.norm):
            raise InputError(f"MLANeck: {len(features)} feature maps for {len(self.norm)} in_channels")
        normalized = []
        for norm, x in zip(self.norm, features, strict=True):
            normalized.append(to_map(norm(to_tokens(x)), (x.shape[2], x.shape[3])))
        return self.mla(normalized)
