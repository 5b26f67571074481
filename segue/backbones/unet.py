"""U-Net (Ronneberger et al. 2015, arXiv:1505.04597): an encoder, and a decoder that concatenates its features.

Deviations: any image size is taken (upsampled maps are fitted to their skip connection; the reference demands sizes
divisible by the total stride); deformable convolutions and plugins are not offered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from segue.errors import InputError
from segue.layers.activation import RELU
from segue.layers.conv import ConvModule
from segue.layers.freezing import Freezing
from segue.layers.norm import BN, Norm
from segue.layers.recompute import recompute
from segue.layers.resize import resize
from segue.types import Activation


@dataclass(frozen=True, kw_only=True)
class UpsampleOptions:
    """How the decoder upsamples: ``InterpConv`` interpolates, then 1 x 1; ``DeconvModule`` convolves transposed."""

    type: Literal["InterpConv", "DeconvModule"] = "InterpConv"
    kernel_size: int | None = None
    align_corners: bool = False


class ConvBlock(nn.Module):
    """``num_convs`` 3 x 3 convolutions, the first of which strides and is not dilated."""

    def __init__(
        self,
        in_channels: int,
        channels: int,
        *,
        num_convs: int,
        stride: int = 1,
        dilation: int = 1,
        with_cp: bool = False,
        norm: Norm | None,
        act: Activation | None,
    ) -> None:
        super().__init__()
        self.with_cp = with_cp
        convs = []
        for i in range(num_convs):
            d = 1 if i == 0 else dilation
            convs.append(
                ConvModule(
                    in_channels if i == 0 else channels,
                    channels,
                    3,
                    stride=stride if i == 0 else 1,
                    padding=d,
                    dilation=d,
                    norm=norm,
                    act=act,
                )
            )
        self.convs = nn.Sequential(*convs)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, channels, H / stride, W / stride)."""
        if self.with_cp and x.requires_grad:
            return recompute(self.convs, x)
        return self.convs(x)


class InterpConv(nn.Module):
    """Bilinear upsampling by two and a 1 x 1 convolution."""

    def __init__(
        self, in_channels: int, channels: int, options: UpsampleOptions, norm: Norm | None, act: Activation | None
    ) -> None:
        super().__init__()
        kernel = options.kernel_size or 1
        self.interp_upsample = nn.Sequential(
            nn.Upsample(scale_factor=2, mode="bilinear", align_corners=options.align_corners),
            ConvModule(in_channels, channels, kernel, padding=(kernel - 1) // 2, norm=norm, act=act),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, channels, 2H, 2W)."""
        return self.interp_upsample(x)


class DeconvModule(nn.Module):
    """Transposed convolution by two, normalization, activation."""

    def __init__(
        self, in_channels: int, channels: int, options: UpsampleOptions, norm: Norm | None, act: Activation | None
    ) -> None:
        super().__init__()
        kernel = options.kernel_size or 4
        if kernel < 2 or kernel % 2:
            raise InputError(f"UNet: upsample_cfg.kernel_size={kernel}; an even number of at least 2 doubles the size")
        self.deconv_upsamping = nn.Sequential(  # the spelling is that of published checkpoints
            nn.ConvTranspose2d(in_channels, channels, kernel, stride=2, padding=(kernel - 2) // 2),
            norm(channels) if norm else nn.Identity(),
            act() if act else nn.Identity(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, channels, 2H, 2W)."""
        return self.deconv_upsamping(x)


class UpConvBlock(nn.Module):
    """Upsample, concatenate to the encoder's map of that size, convolve."""

    def __init__(
        self,
        in_channels: int,
        channels: int,
        *,
        num_convs: int,
        dilation: int,
        doubles: bool,
        with_cp: bool,
        norm: Norm | None,
        act: Activation | None,
        upsample: UpsampleOptions,
    ) -> None:
        super().__init__()
        self.conv_block = ConvBlock(
            2 * channels, channels, num_convs=num_convs, dilation=dilation, with_cp=with_cp, norm=norm, act=act
        )
        if doubles:
            kind = InterpConv if upsample.type == "InterpConv" else DeconvModule
            self.upsample: nn.Module = kind(in_channels, channels, upsample, norm, act)
        else:
            self.upsample = ConvModule(in_channels, channels, 1, norm=norm, act=act)

    def forward(self, skip: Tensor, x: Tensor) -> Tensor:
        """Encoder map (B, channels, H, W) and coarser map (B, in_channels, H', W') to (B, channels, H, W)."""
        x = resize(self.upsample(x), skip.shape[-2:])
        return self.conv_block(torch.cat([skip, x], dim=1))


class UNet(Freezing):
    """U-Net as a backbone: returns the decoder's maps, coarsest first.

    Args:
        in_channels: channels of the image.
        base_channels: width of the first stage; it doubles at each stage.
        num_stages: stages of the encoder; the decoder has one less.
        strides: of each encoder stage's first convolution.
        enc_num_convs, enc_dilations: per encoder stage; ``dec_num_convs``, ``dec_dilations`` per decoder stage.
        downsamples: whether the step to stage i + 1 halves the size (by max pooling, unless that stage strides).
        with_cp: recompute blocks in the backward pass, to save memory.
        norm, act: of all convolutions; ``norm_eval`` keeps the statistics in training.
        upsample: how the decoder upsamples.

    Raises:
        InputError: lists whose length does not fit ``num_stages``.
    """

    def __init__(
        self,
        *,
        in_channels: int = 3,
        base_channels: int = 64,
        num_stages: int = 5,
        strides: Sequence[int] = (1, 1, 1, 1, 1),
        enc_num_convs: Sequence[int] = (2, 2, 2, 2, 2),
        dec_num_convs: Sequence[int] = (2, 2, 2, 2),
        downsamples: Sequence[bool] = (True, True, True, True),
        enc_dilations: Sequence[int] = (1, 1, 1, 1, 1),
        dec_dilations: Sequence[int] = (1, 1, 1, 1),
        with_cp: bool = False,
        norm: Norm | None = BN,
        act: Activation | None = RELU,
        upsample: UpsampleOptions | None = None,
        norm_eval: bool = False,
    ) -> None:
        super().__init__()
        for key, value, length in (
            ("strides", strides, num_stages),
            ("enc_num_convs", enc_num_convs, num_stages),
            ("enc_dilations", enc_dilations, num_stages),
            ("dec_num_convs", dec_num_convs, num_stages - 1),
            ("dec_dilations", dec_dilations, num_stages - 1),
            ("downsamples", downsamples, num_stages - 1),
        ):
            if len(value) != length:
                raise InputError(f"UNet: {key} has {len(value)} values; num_stages={num_stages} needs {length}")
        self.norm_eval = norm_eval
        self.encoder = nn.ModuleList()
        self.decoder = nn.ModuleList()
        for i in range(num_stages):
            width = base_channels * 2**i
            stage: list[nn.Module] = []
            if i > 0:
                halves = strides[i] != 1 or downsamples[i - 1]
                if downsamples[i - 1] and strides[i] == 1:
                    stage.append(nn.MaxPool2d(2))
                self.decoder.append(
                    UpConvBlock(
                        width,
                        width // 2,
                        num_convs=dec_num_convs[i - 1],
                        dilation=dec_dilations[i - 1],
                        doubles=halves,
                        with_cp=with_cp,
                        norm=norm,
                        act=act,
                        upsample=upsample or UpsampleOptions(),
                    )
                )
            stage.append(
                ConvBlock(
                    in_channels if i == 0 else width // 2,
                    width,
                    num_convs=enc_num_convs[i],
                    stride=strides[i],
                    dilation=enc_dilations[i],
                    with_cp=with_cp,
                    norm=norm,
                    act=act,
                )
            )
            self.encoder.append(nn.Sequential(*stage))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Image (B, in_channels, H, W) to ``num_stages`` maps, the coarsest first and the last at full size."""
        skips = []
        for stage in self.encoder:
            x = stage(x)
            skips.append(x)
        outputs = [x]
        for skip, stage in zip(reversed(skips[:-1]), reversed(self.decoder), strict=True):
            x = stage(skip, x)
            outputs.append(x)
        return outputs
