"""Dense prediction transformer (Ranftl et al. 2021, arXiv:2103.13413): ViT's maps as a pyramid, fused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.errors import InputError
from segue.layers.activation import RELU
from segue.layers.conv import ConvModule
from segue.layers.decode_head import DecodeHead, HeadOptions
from segue.layers.norm import BN, Norm
from segue.layers.patch_embed import to_map, to_tokens
from segue.layers.resize import resize
from segue.types import Activation


class Reassemble(nn.Module):
    """Maps of one size and their class tokens to maps of 4, 2, 1 and 1/2 times that size (equations 1 to 6).

    Args:
        in_channels: of each map and class token.
        out_channels: of each output.
        readout_type: what becomes of the class token: nothing (``ignore``), a sum (``add``), or a projection of both
            together (``project``).
    """

    def __init__(self, in_channels: int, out_channels: Sequence[int], readout_type: str) -> None:
        super().__init__()
        self.readout_type = readout_type
        self.projects = nn.ModuleList(ConvModule(in_channels, c, 1, act=None) for c in out_channels)
        a, b, _, d = out_channels
        self.resize_layers = nn.ModuleList(
            [
                nn.ConvTranspose2d(a, a, 4, stride=4),
                nn.ConvTranspose2d(b, b, 2, stride=2),
                nn.Identity(),
                nn.Conv2d(d, d, 3, stride=2, padding=1),
            ]
        )
        if readout_type == "project":
            self.readout_projects = nn.ModuleList(
                nn.Sequential(nn.Linear(2 * in_channels, in_channels), nn.GELU()) for _ in out_channels
            )

    def forward(self, features: Sequence[Any]) -> list[Tensor]:
        """Pairs of map (B, in_channels, H, W) and class token (B, in_channels), or maps where it is ignored."""
        outputs = []
        for i, pair in enumerate(features):
            x, token = (pair, None) if isinstance(pair, Tensor) else pair
            if self.readout_type != "ignore":
                if token is None:
                    raise InputError(
                        f"DPTHead: readout_type={self.readout_type!r} needs class tokens; "
                        "set output_cls_token=True in the backbone"
                    )
                x = self._read(i, x, token)
            outputs.append(self.resize_layers[i](self.projects[i](x)))
        return outputs

    def _read(self, i: int, x: Tensor, token: Tensor) -> Tensor:
        patches, token = to_tokens(x), token.unsqueeze(1)
        if self.readout_type == "add":
            patches = patches + token
        else:
            patches = self.readout_projects[i](torch.cat([patches, token.expand_as(patches)], dim=2))
        return to_map(patches, (x.shape[2], x.shape[3]))


class ResidualConvUnit(nn.Module):
    """Twice activation, 3 x 3 convolution and normalization; and the input added."""

    def __init__(self, channels: int, act: Activation, norm: Norm | None) -> None:
        super().__init__()
        self.activate = act()
        self.conv1 = ConvModule(channels, channels, 3, padding=1, bias=False, norm=norm, act=None)
        self.conv2 = ConvModule(channels, channels, 3, padding=1, bias=False, norm=norm, act=None)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to the same shape."""
        # The activation may work in place, and x is needed once more.
        out = self.conv1(self.activate(x.clone()))
        return self.conv2(self.activate(out)) + x


class FeatureFusion(nn.Module):
    """The coarser result, plus a map, refined and enlarged by two (figure 1, right)."""

    def __init__(self, channels: int, act: Activation, norm: Norm | None, first: bool) -> None:
        super().__init__()
        self.project = ConvModule(channels, channels, 1, act=None)
        self.res_conv_unit1 = None if first else ResidualConvUnit(channels, act, norm)
        self.res_conv_unit2 = ResidualConvUnit(channels, act, norm)

    def forward(self, x: Tensor, skip: Tensor | None = None) -> Tensor:
        """(B, channels, H, W), and a map to add, to (B, channels, 2H, 2W)."""
        if skip is not None and self.res_conv_unit1 is not None:
            x = x + self.res_conv_unit1(resize(skip, x.shape[-2:]))
        x = self.res_conv_unit2(x)
        x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=True)
        return self.project(x)


class DPTHead(DecodeHead):
    """Reassembles four maps of a ViT and fuses them (section 3).

    Args:
        embed_dims: width of the ViT.
        post_process_channels: widths of the reassembled maps, finest first.
        readout_type: see ``Reassemble``.
        expand_channels: multiply these widths by 1, 2, 4 and 8.
        act, norm: of the fusion.

    Raises:
        InputError: other than four maps.
    """

    def __init__(
        self,
        options: HeadOptions,
        *,
        embed_dims: int = 768,
        post_process_channels: Sequence[int] = (96, 192, 384, 768),
        readout_type: Literal["ignore", "add", "project"] = "ignore",
        patch_size: int = 16,
        expand_channels: bool = False,
        act: Activation = RELU,
        norm: Norm = BN,
    ) -> None:
        super().__init__(replace(options, input_transform="multiple_select", act=act, norm=norm))
        if not len(self.in_channels) == len(post_process_channels) == 4:
            raise InputError(
                f"DPTHead: in_channels={self.in_channels} and post_process_channels={post_process_channels}; "
                "it fuses four maps, so give four of each"
            )
        widths = [c * 2**i if expand_channels else c for i, c in enumerate(post_process_channels)]
        self.reassemble_blocks = Reassemble(embed_dims, widths, readout_type)
        self.convs = nn.ModuleList(ConvModule(c, self.channels, 3, padding=1, bias=False, act=None) for c in widths)
        self.fusion_blocks = nn.ModuleList(
            FeatureFusion(self.channels, act, norm, first=i == 0) for i in range(len(widths))
        )
        self.project = ConvModule(self.channels, self.channels, 3, padding=1, norm=norm)

    def embed(self, features: Sequence[Any]) -> Tensor:
        """Maps (B, embed_dims, H, W) of one size, perhaps with class tokens, to (B, channels, 8H, 8W)."""
        chosen = [features[i] for i in self.options.in_index]  # type: ignore[union-attr]
        maps = [conv(x) for conv, x in zip(self.convs, self.reassemble_blocks(chosen), strict=True)]
        x = self.fusion_blocks[0](maps[-1])
        for block, skip in zip(list(self.fusion_blocks)[1:], maps[-2::-1], strict=True):
            x = block(x, skip)
        return self.project(x)
