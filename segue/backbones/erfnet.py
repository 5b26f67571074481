"""ERFNet (Romera et al. 2017, https://doi.org/10.1109/TITS.2017.2750080): one-dimensional residual convolutions.

Deviation: a map whose size the decoder's doubling does not hit exactly is resized with the logits, by the head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import torch
from torch import Tensor, nn

from segue.errors import InputError
from segue.layers.activation import RELU
from segue.layers.norm import BN, Norm
from segue.layers.resize import resize
from segue.types import Activation

#: of every normalization, whatever the config says, as in the published network
EPS = 1e-3


class DownsamplerBlock(nn.Module):
    """A strided convolution beside max pooling, concatenated (as ENet, arXiv:1606.02147, figure 2a)."""

    def __init__(self, in_channels: int, out_channels: int, *, norm: Norm, act: Activation) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels - in_channels, 3, stride=2, padding=1)
        self.pool = nn.MaxPool2d(2, stride=2)
        self.bn = norm(out_channels)
        self.act = act()

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, out_channels, H / 2, W / 2)."""
        strided = self.conv(x)
        pooled = resize(self.pool(x), strided.shape[-2:])  # one short where the size is odd
        out: Tensor = self.act(self.bn(torch.cat([strided, pooled], dim=1)))
        return out


class NonBottleneck1d(nn.Module):
    """Two pairs of 3 x 1 and 1 x 3 convolutions, the second pair dilated, and a shortcut (figure 2c).

    Args:
        channels: of input and output.
        dropout_ratio: share of values dropped before the sum.
        dilation: of the second pair.
        norm, act: of each pair; the activation stands between its convolutions, too.
    """

    def __init__(self, channels: int, *, dropout_ratio: float, dilation: int = 1, norm: Norm, act: Activation) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for d in (1, dilation):
            layers += [
                nn.Conv2d(channels, channels, (3, 1), padding=(d, 0), dilation=(d, 1)),
                act(),
                nn.Conv2d(channels, channels, (1, 3), padding=(0, d), dilation=(1, d)),
                norm(channels),
                act(),
            ]
        layers[-1] = nn.Dropout(dropout_ratio)
        self.convs_layers = nn.Sequential(*layers)
        self.act = act()

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to the same shape."""
        out: Tensor = self.act(self.convs_layers(x) + x)
        return out


class UpsamplerBlock(nn.Module):
    """A transposed convolution that doubles the size."""

    def __init__(self, in_channels: int, out_channels: int, *, norm: Norm, act: Activation) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(in_channels, out_channels, 3, stride=2, padding=1, output_padding=1)
        self.bn = norm(out_channels)
        self.act = act()

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, out_channels, 2H, 2W)."""
        out: Tensor = self.act(self.bn(self.conv(x)))
        return out


class ERFNet(nn.Module):
    """Encoder to 1/8 and decoder to 1/2 of the image (table I).

    Args:
        in_channels: channels of the image; less than the first of ``enc_downsample_channels``.
        enc_downsample_channels: widths after each halving.
        enc_stage_non_bottlenecks: blocks after each halving but the first.
        enc_non_bottleneck_dilations: of the blocks of the last stage, in turn.
        enc_non_bottleneck_channels: widths of the blocks: those of the halvings.
        dec_upsample_channels: widths after each doubling.
        dec_stages_non_bottleneck: blocks after each doubling.
        dec_non_bottleneck_channels: widths of these: those of the doublings.
        dropout_ratio: in the encoder's blocks.
        norm, act: of the convolutions.

    Raises:
        InputError: lists that do not fit together, or too many channels in the image.
    """

    def __init__(
        self,
        in_channels: int = 3,
        *,
        enc_downsample_channels: Sequence[int] = (16, 64, 128),
        enc_stage_non_bottlenecks: Sequence[int] = (5, 8),
        enc_non_bottleneck_dilations: Sequence[int] = (2, 4, 8, 16),
        enc_non_bottleneck_channels: Sequence[int] = (64, 128),
        dec_upsample_channels: Sequence[int] = (64, 16),
        dec_stages_non_bottleneck: Sequence[int] = (2, 2),
        dec_non_bottleneck_channels: Sequence[int] = (64, 16),
        dropout_ratio: float = 0.1,
        norm: Norm = BN,
        act: Activation = RELU,
    ) -> None:
        super().__init__()
        for key, value, expected in (
            ("enc_non_bottleneck_channels", enc_non_bottleneck_channels, enc_downsample_channels[1:]),
            ("dec_non_bottleneck_channels", dec_non_bottleneck_channels, dec_upsample_channels),
        ):
            if list(value) != list(expected):
                raise InputError(f"ERFNet: {key}={tuple(value)} must be {tuple(expected)}, the widths of its stages")
        if len(enc_stage_non_bottlenecks) != len(enc_downsample_channels) - 1:
            raise InputError("ERFNet: enc_stage_non_bottlenecks needs one value less than enc_downsample_channels")
        if len(dec_stages_non_bottleneck) != len(dec_upsample_channels):
            raise InputError("ERFNet: dec_stages_non_bottleneck needs as many values as dec_upsample_channels")
        widths = [in_channels, *enc_downsample_channels]
        if any(narrow >= wide for narrow, wide in pairwise(widths)):
            raise InputError(
                f"ERFNet: in_channels={in_channels} with enc_downsample_channels={tuple(enc_downsample_channels)}; "
                "each halving keeps its input and adds to it, so the widths must grow from in_channels on"
            )
        norm = replace(norm, eps=EPS)
        encoder: list[nn.Module] = []
        blocks = [0, *enc_stage_non_bottlenecks]
        for i, count in enumerate(blocks):
            encoder.append(DownsamplerBlock(widths[i], widths[i + 1], norm=norm, act=act))
            dilations = enc_non_bottleneck_dilations if i == len(blocks) - 1 else (1,)
            encoder += [
                NonBottleneck1d(
                    widths[i + 1],
                    dropout_ratio=dropout_ratio,
                    dilation=dilations[j % len(dilations)],
                    norm=norm,
                    act=act,
                )
                for j in range(count)
            ]
        self.encoder = nn.ModuleList(encoder)
        decoder: list[nn.Module] = []
        channels = widths[-1]
        for width, count in zip(dec_upsample_channels, dec_stages_non_bottleneck, strict=True):
            decoder.append(UpsamplerBlock(channels, width, norm=norm, act=act))
            decoder += [NonBottleneck1d(width, dropout_ratio=0, norm=norm, act=act) for _ in range(count)]
            channels = width
        self.decoder = nn.ModuleList(decoder)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Image (B, in_channels, H, W) to one map (B, dec_upsample_channels[-1], H / 2, W / 2)."""
        for block in [*self.encoder, *self.decoder]:
            x = block(x)
        return [x]
