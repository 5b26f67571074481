"""Blocks that user code takes from mmseg: PPM, and those of U-Net, with config dicts for their layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from segue.compat.mmcv.layers import ConvModule, build_activation_layer, build_norm_layer, build_upsample_layer
from segue.compat.refusals import RefusedValueError
from segue.layers.pyramid_pooling import PyramidPooling
from segue.layers.recompute import recompute
from segue.layers.resize import resize

BN: Mapping[str, Any] = {"type": "BN"}  # defaults of mmseg; never changed
RELU: Mapping[str, Any] = {"type": "ReLU"}
INTERP: Mapping[str, Any] = {"type": "InterpConv"}
BILINEAR: Mapping[str, Any] = {"scale_factor": 2, "mode": "bilinear", "align_corners": False}


class PPM(PyramidPooling):
    """Segue's pyramid pooling with mmseg's arguments; ``kwargs`` go to each convolution."""

    def __init__(
        self,
        pool_scales: Sequence[int],
        in_channels: int,
        channels: int,
        conv_cfg: Mapping[str, Any] | None,
        norm_cfg: Mapping[str, Any] | None,
        act_cfg: Mapping[str, Any] | None,
        align_corners: bool,
        **kwargs: Any,
    ) -> None:
        layers = {"conv_cfg": conv_cfg, "norm_cfg": norm_cfg, "act_cfg": act_cfg, **kwargs}
        nn.ModuleList.__init__(
            self,
            (
                nn.Sequential(nn.AdaptiveAvgPool2d(scale), ConvModule(in_channels, channels, 1, **layers))
                for scale in pool_scales
            ),
        )
        self.pool_scales, self.align_corners = pool_scales, align_corners
        self.in_channels, self.channels = in_channels, channels
        self.conv_cfg, self.norm_cfg, self.act_cfg = conv_cfg, norm_cfg, act_cfg


class _Recomputed(nn.Module):
    """A module that may forget what lies between its ends, to save memory (``with_cp``)."""

    with_cp: bool
    inside: str

    def forward(self, x: Tensor) -> Tensor:
        """As the class says."""
        inside = getattr(self, self.inside)
        return recompute(inside, x) if self.with_cp and x.requires_grad else inside(x)


class BasicConvBlock(_Recomputed):
    """``num_convs`` 3 x 3 convolutions: the first strides, the others are dilated."""

    inside = "convs"

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        num_convs: int = 2,
        stride: int = 1,
        dilation: int = 1,
        with_cp: bool = False,
        conv_cfg: Mapping[str, Any] | None = None,
        norm_cfg: Mapping[str, Any] | None = BN,
        act_cfg: Mapping[str, Any] | None = RELU,
        dcn: None = None,
        plugins: None = None,
    ) -> None:
        super().__init__()
        _refuse(dcn, plugins)
        self.with_cp = with_cp
        layers = {"conv_cfg": conv_cfg, "norm_cfg": norm_cfg, "act_cfg": act_cfg}
        first = ConvModule(in_channels, out_channels, 3, stride=stride, padding=1, **layers)  # type: ignore[arg-type]
        others = (
            ConvModule(out_channels, out_channels, 3, padding=dilation, dilation=dilation, **layers)  # type: ignore
            for _ in range(num_convs - 1)
        )
        self.convs = nn.Sequential(first, *others)


class InterpConv(_Recomputed):
    """Interpolation and a convolution, in this order unless ``conv_first``."""

    inside = "interp_upsample"

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        with_cp: bool = False,
        norm_cfg: Mapping[str, Any] | None = BN,
        act_cfg: Mapping[str, Any] | None = RELU,
        *,
        conv_cfg: Mapping[str, Any] | None = None,
        conv_first: bool = False,
        kernel_size: int = 1,
        stride: int = 1,
        padding: int = 0,
        upsample_cfg: Mapping[str, Any] = BILINEAR,
    ) -> None:
        super().__init__()
        self.with_cp = with_cp
        layers = {"conv_cfg": conv_cfg, "norm_cfg": norm_cfg, "act_cfg": act_cfg}
        conv = ConvModule(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=padding,
            **layers,  # type: ignore[arg-type]
        )
        both = [nn.Upsample(**upsample_cfg), conv]
        self.interp_upsample = nn.Sequential(*(reversed(both) if conv_first else both))


class DeconvModule(_Recomputed):
    """A transposed convolution that enlarges ``scale_factor`` times, normalization, activation."""

    inside = "deconv_upsamping"  # the spelling is that of published checkpoints

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        with_cp: bool = False,
        norm_cfg: Mapping[str, Any] = BN,
        act_cfg: Mapping[str, Any] = RELU,
        *,
        kernel_size: int = 4,
        scale_factor: int = 2,
    ) -> None:
        super().__init__()
        border, odd = divmod(kernel_size - scale_factor, 2)
        if border < 0 or odd:
            raise RefusedValueError(
                f"DeconvModule: kernel_size={kernel_size} must be scale_factor={scale_factor} or an even number more"
            )
        self.with_cp = with_cp
        self.deconv_upsamping = nn.Sequential(
            nn.ConvTranspose2d(in_channels, out_channels, kernel_size, stride=scale_factor, padding=border),
            build_norm_layer(norm_cfg, out_channels)[1],
            build_activation_layer(act_cfg),
        )


class UpConvBlock(nn.Module):
    """Upsample, concatenate to the encoder's map, convolve by ``conv_block``, a class such as `BasicConvBlock`.

    Deviation: an upsampled map of another size than the encoder's is fitted to it.
    """

    def __init__(
        self,
        conv_block: Any,
        in_channels: int,
        skip_channels: int,
        out_channels: int,
        num_convs: int = 2,
        stride: int = 1,
        dilation: int = 1,
        with_cp: bool = False,
        conv_cfg: Mapping[str, Any] | None = None,
        norm_cfg: Mapping[str, Any] | None = BN,
        act_cfg: Mapping[str, Any] | None = RELU,
        upsample_cfg: Mapping[str, Any] | None = INTERP,
        dcn: None = None,
        plugins: None = None,
    ) -> None:
        super().__init__()
        _refuse(dcn, plugins)
        layers = {"norm_cfg": norm_cfg, "act_cfg": act_cfg}
        self.conv_block = conv_block(
            in_channels=2 * skip_channels,
            out_channels=out_channels,
            num_convs=num_convs,
            stride=stride,
            dilation=dilation,
            with_cp=with_cp,
            conv_cfg=conv_cfg,
            dcn=None,
            plugins=None,
            **layers,
        )
        if upsample_cfg is None:
            self.upsample: nn.Module = ConvModule(
                in_channels,
                skip_channels,
                1,
                conv_cfg=conv_cfg,
                **layers,  # type: ignore[arg-type]
            )
        else:
            sizes = {"in_channels": in_channels, "out_channels": skip_channels}
            self.upsample = build_upsample_layer(upsample_cfg, **sizes, with_cp=with_cp, **layers)

    def forward(self, skip: Tensor, x: Tensor) -> Tensor:
        """(B, skip_channels, H, W) and the coarser (B, in_channels, H', W') to (B, out_channels, H, W)."""
        return self.conv_block(torch.cat([skip, resize(self.upsample(x), skip.shape[-2:])], dim=1))


def _refuse(dcn: Any, plugins: Any) -> None:
    if dcn is not None or plugins is not None:
        raise RefusedValueError("dcn and plugins of U-Net's blocks are not there, nor were they in mmseg: omit them")
