"""mmcv.cnn: blocks that are put between layers, and fusing a convolution with the normalization after it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.compat.mmcv.layers import ConvModule, _class, _parts
from segue.compat.mmengine.modules import constant_init, kaiming_init, normal_init

CONV1: Mapping[str, Any] = {"type": "Conv1d"}
CONV2: Mapping[str, Any] = {"type": "Conv2d"}
CONV3: Mapping[str, Any] = {"type": "Conv3d"}


class _NonLocalNd(nn.Module):
    """Attention of every place to every other, over 1, 2 or 3 axes; the result is added to the input."""

    pool: Any

    def __init__(
        self,
        in_channels: int,
        reduction: int = 2,
        use_scale: bool = True,
        conv_cfg: Mapping[str, Any] | None = None,
        norm_cfg: Mapping[str, Any] | None = None,
        mode: str = "embedded_gaussian",
        sub_sample: bool = False,
        zeros_init: bool = True,
        std: float = 0.01,
    ) -> None:
        super().__init__()
        if mode not in ("gaussian", "embedded_gaussian", "dot_product", "concatenation"):
            raise ValueError(
                f"Mode should be in 'gaussian', 'concatenation', 'embedded_gaussian' or 'dot_product', but got {mode}"
            )
        self.in_channels, self.reduction, self.use_scale, self.mode = in_channels, reduction, use_scale, mode
        self.inter_channels = width = max(in_channels // reduction, 1)
        plain: dict[str, Any] = {"conv_cfg": conv_cfg, "act_cfg": None}
        self.g: Any = ConvModule(in_channels, width, kernel_size=1, **plain)
        self.conv_out = ConvModule(width, in_channels, kernel_size=1, norm_cfg=norm_cfg, **plain)
        if mode != "gaussian":
            self.theta: Any = ConvModule(in_channels, width, kernel_size=1, **plain)
            self.phi: Any = ConvModule(in_channels, width, kernel_size=1, **plain)
        if mode == "concatenation":
            self.concat_project = ConvModule(width * 2, 1, kernel_size=1, bias=False, act_cfg={"type": "ReLU"})
        self.init_weights(std, zeros_init)
        self.sub_sample = sub_sample
        if sub_sample:
            self.g = nn.Sequential(self.g, self.pool)
            self.phi = self.pool if mode == "gaussian" else nn.Sequential(self.phi, self.pool)

    def init_weights(self, std: float = 0.01, zeros_init: bool = True) -> None:
        """Small random weights; the last layer starts at zero with ``zeros_init``."""
        for layer in [self.g] + ([] if self.mode == "gaussian" else [self.theta, self.phi]):
            normal_init(layer.conv, std=std)
        last = self.conv_out.conv if self.conv_out.norm_cfg is None else self.conv_out.norm
        if zeros_init:
            constant_init(last, 0)
        else:
            normal_init(last, std=std)

    def _weights(self, theta: Tensor, phi: Tensor) -> Tensor:
        """(B, N, C) and (B, C, M) to the weights (B, N, M)."""
        if self.mode == "concatenation":
            n, m = theta.shape[1], phi.shape[2]
            first = theta.transpose(1, 2).unsqueeze(3).expand(-1, -1, n, m)
            pairs = torch.cat([first, phi.unsqueeze(2).expand(-1, -1, n, m)], dim=1)
            return self.concat_project(pairs).squeeze(1) / m
        scores = theta @ phi
        if self.mode == "dot_product":
            return scores / scores.shape[-1]
        scaled = self.use_scale and self.mode == "embedded_gaussian"
        return (scores / theta.shape[-1] ** 0.5 if scaled else scores).softmax(dim=-1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, ...) to the same."""
        value = self.g(x).flatten(2).transpose(1, 2)
        if self.mode == "gaussian":
            theta = x.flatten(2)
            phi = (self.phi(x) if self.sub_sample else x).flatten(2)
        else:
            theta, phi = self.theta(x).flatten(2), self.phi(x).flatten(2)
        mixed = (self._weights(theta.transpose(1, 2), phi) @ value).transpose(1, 2)
        return x + self.conv_out(mixed.reshape(x.shape[0], self.inter_channels, *x.shape[2:]))


class NonLocal1d(_NonLocalNd):
    """Over one axis: (B, C, L)."""

    def __init__(self, in_channels: int, sub_sample: bool = False, conv_cfg: Any = CONV1, **kwargs: Any) -> None:
        self.__dict__["pool"] = nn.MaxPool1d(2)
        super().__init__(in_channels, conv_cfg=conv_cfg, sub_sample=sub_sample, **kwargs)


class NonLocal2d(_NonLocalNd):
    """Over a map: (B, C, H, W)."""

    _abbr_ = "nonlocal_block"

    def __init__(self, in_channels: int, sub_sample: bool = False, conv_cfg: Any = CONV2, **kwargs: Any) -> None:
        self.__dict__["pool"] = nn.MaxPool2d((2, 2))
        super().__init__(in_channels, conv_cfg=conv_cfg, sub_sample=sub_sample, **kwargs)


class NonLocal3d(_NonLocalNd):
    """Over a volume: (B, C, D, H, W); pooled within slices only."""

    def __init__(self, in_channels: int, sub_sample: bool = False, conv_cfg: Any = CONV3, **kwargs: Any) -> None:
        self.__dict__["pool"] = nn.MaxPool3d((1, 2, 2))
        super().__init__(in_channels, conv_cfg=conv_cfg, sub_sample=sub_sample, **kwargs)


class ContextBlock(nn.Module):
    """One context for the whole map, by attention (``att``) or the mean (``avg``), multiplied or added."""

    _abbr_ = "context_block"

    def __init__(
        self, in_channels: int, ratio: float, pooling_type: str = "att", fusion_types: Sequence[str] = ("channel_add",)
    ) -> None:
        super().__init__()
        if pooling_type not in ("avg", "att"):
            raise AssertionError(f"pooling_type={pooling_type!r}: 'avg' or 'att'")
        if not fusion_types or set(fusion_types) - {"channel_add", "channel_mul"}:
            raise AssertionError(f"fusion_types={fusion_types!r}: of 'channel_add' and 'channel_mul', at least one")
        self.in_channels, self.ratio, self.planes = in_channels, ratio, int(in_channels * ratio)
        self.pooling_type, self.fusion_types = pooling_type, fusion_types
        if pooling_type == "att":
            self.conv_mask: Any = nn.Conv2d(in_channels, 1, kernel_size=1)
            self.softmax = nn.Softmax(dim=2)
        else:
            self.avg_pool = nn.AdaptiveAvgPool2d(1)
        self.channel_add_conv = self._transform() if "channel_add" in fusion_types else None
        self.channel_mul_conv = self._transform() if "channel_mul" in fusion_types else None
        self.reset_parameters()

    def _transform(self) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(self.in_channels, self.planes, kernel_size=1),
            nn.LayerNorm([self.planes, 1, 1]),
            nn.ReLU(inplace=True),
            nn.Conv2d(self.planes, self.in_channels, kernel_size=1),
        )

    def reset_parameters(self) -> None:
        """He's weights for the attention; the last layers start at zero."""
        if self.pooling_type == "att":
            kaiming_init(self.conv_mask, mode="fan_in")
            self.conv_mask.inited = True
        for transform in (self.channel_add_conv, self.channel_mul_conv):
            if transform is not None:
                constant_init(transform[-1], 0)

    def spatial_pool(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the context (B, C, 1, 1)."""
        if self.pooling_type == "avg":
            return self.avg_pool(x)
        weights = self.softmax(self.conv_mask(x).flatten(2))
        return (x.flatten(2) @ weights.transpose(1, 2)).unsqueeze(-1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same."""
        context = self.spatial_pool(x)
        out = x
        if self.channel_mul_conv is not None:
            out = out * self.channel_mul_conv(context).sigmoid()
        if self.channel_add_conv is not None:
            out = out + self.channel_add_conv(context)
        return out


PLUGINS: dict[str, type[nn.Module]] = {"NonLocal2d": NonLocal2d, "ContextBlock": ContextBlock, "ConvModule": ConvModule}


def build_plugin_layer(cfg: Mapping[str, Any], postfix: int | str = "", **kwargs: Any) -> tuple[str, nn.Module]:
    """A plugin of ``cfg``, with its name such as ``context_block_1``."""
    kind, arguments = _parts(cfg)
    cls = _class(kind, PLUGINS, "plugin")
    name = "conv_block" if cls is ConvModule else getattr(cls, "_abbr_", None)
    if name is None:
        words = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", cls.__name__)
        name = re.sub(r"([a-z\d])([A-Z])", r"\1_\2", words).replace("-", "_").lower()
    return f"{name}{postfix}", cls(**kwargs, **arguments)


def fuse_conv_bn(module: nn.Module) -> nn.Module:
    """Each batch normalization that follows a convolution goes into its weights, in place; for prediction only."""
    last, last_name = None, ""
    for name, child in module.named_children():
        if isinstance(child, (nn.modules.batchnorm._BatchNorm, nn.SyncBatchNorm)):
            if last is None:
                continue
            module._modules[last_name] = nn.utils.fusion.fuse_conv_bn_eval(last.eval(), child.eval())
            module._modules[name] = nn.Identity()
            last = None
        elif isinstance(child, nn.Conv2d):
            last, last_name = child, name
        else:
            fuse_conv_bn(child)
    return module


class LayerScale(nn.Module):
    """A factor per channel, which training finds; ``data_format`` is ``channels_last`` or ``channels_first``."""

    def __init__(
        self, dim: int, inplace: bool = False, data_format: str = "channels_last", scale: float = 1e-5
    ) -> None:
        super().__init__()
        if data_format not in ("channels_last", "channels_first"):
            raise AssertionError("'data_format' could only be channels_last or channels_first.")
        self.inplace, self.data_format = inplace, data_format
        self.weight = nn.Parameter(torch.ones(dim) * scale)

    def forward(self, x: Tensor) -> Tensor:
        """Any shape to the same."""
        first = self.data_format == "channels_first"
        factor = self.weight.view(-1, *(1,) * (x.ndim - 2)) if first else self.weight
        return x.mul_(factor) if self.inplace else x * factor


def conv_ws_2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    eps: float = 1e-5,
) -> Tensor:
    """A convolution whose filters are standardized first."""
    std, mean = torch.std_mean(weight, dim=(1, 2, 3), keepdim=True)
    return F.conv2d(input, (weight - mean) / (std + eps), bias, stride, padding, dilation, groups)


class ConvWS2d(nn.Conv2d):
    """nn.Conv2d whose filters are standardized first."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        eps: float = 1e-5,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias)
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """As nn.Conv2d."""
        return conv_ws_2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups, self.eps)


class Conv2dAdaptivePadding(nn.Conv2d):
    """nn.Conv2d that pads its input so that every pixel counts, as TensorFlow does for ``same``."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, 0, dilation, groups, bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', ceil(H / stride), ceil(W / stride))."""
        pads: list[int] = []
        for side, kernel, stride, dilation in zip(
            x.shape[-2:], self.kernel_size, self.stride, self.dilation, strict=True
        ):
            need = max((-(-side // stride) - 1) * stride + (kernel - 1) * dilation + 1 - side, 0)
            pads = [need // 2, need - need // 2, *pads]
        return super().forward(F.pad(x, pads))
