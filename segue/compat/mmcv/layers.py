"""mmcv.cnn: building blocks with config dicts for normalization, activation and convolution."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from segue.compat.mmengine.modules import BaseModule, constant_init, kaiming_init
from segue.compat.mmengine.registry import MODELS
from segue.layers.activation import ACTIVATIONS, HSigmoid
from segue.layers.conv import ConvModule as HouseConv
from segue.layers.depthwise_separable import DepthwiseSeparableConvModule as HouseSeparable
from segue.layers.norm import NORMS
from segue.layers.pre_conv import PreConv
from segue.layers.scale import Scale

CONVOLUTIONS: dict[str, type[nn.Module]] = {
    "Conv1d": nn.Conv1d,
    "Conv2d": nn.Conv2d,
    "Conv3d": nn.Conv3d,
    "Conv": nn.Conv2d,
}
NORM_CLASSES: dict[str, type[nn.Module]] = {**{name: cls for name, (cls, _) in NORMS.items()}, "BN3d": nn.BatchNorm3d}
PADDING = {"zero": nn.ZeroPad2d, "reflect": nn.ReflectionPad2d, "replicate": nn.ReplicationPad2d}
Conv2d, Conv3d, ConvTranspose2d, ConvTranspose3d = nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.ConvTranspose3d
Linear, MaxPool2d, MaxPool3d = nn.Linear, nn.MaxPool2d, nn.MaxPool3d
Swish, HSwish = nn.SiLU, nn.Hardswish
_BatchNorm, _InstanceNorm = nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm
SyncBatchNorm = nn.SyncBatchNorm


class Upsample(nn.Module):
    """Interpolation as a module; ``build_upsample_layer(dict(type='bilinear', scale_factor=2))``."""

    def __init__(self, mode: str, **kwargs: Any) -> None:
        super().__init__()
        self.mode, self.kwargs = mode, kwargs

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C, H', W')."""
        return nn.functional.interpolate(x, mode=self.mode, **self.kwargs)


class DropPath(nn.Module):
    """Stochastic depth: whole residual branches are left out, sample by sample."""

    def __init__(self, drop_prob: float = 0.1) -> None:
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, x: Tensor) -> Tensor:
        """Any shape (B, ...) to the same."""
        keep = 1 - self.drop_prob
        if keep == 1 or not self.training:
            return x
        mask = keep + torch.rand((x.shape[0],) + (1,) * (x.ndim - 1), dtype=x.dtype, device=x.device)
        return x.div(keep) * mask.floor()


class Dropout(nn.Dropout):
    """nn.Dropout with mmcv's argument name."""

    def __init__(self, drop_prob: float = 0.5, inplace: bool = False) -> None:
        super().__init__(p=drop_prob, inplace=inplace)


BY_NAME: dict[str, Any] = {
    **NORM_CLASSES,
    **ACTIVATIONS,
    **CONVOLUTIONS,
    "DropPath": DropPath,
    "Dropout": Dropout,
    "Upsample": Upsample,
}


def _parts(cfg: Mapping[str, Any] | None, default: str = "") -> tuple[Any, dict[str, Any]]:
    """The type and the arguments of a layer's dict."""
    arguments = dict(cfg) if cfg is not None else {"type": default}
    if "type" not in arguments:
        raise KeyError('the cfg dict must contain the key "type"')
    return arguments.pop("type"), arguments


def _class(kind: Any, table: Mapping[str, Any], what: str) -> Any:
    if not isinstance(kind, str):
        return kind
    bare = kind.rpartition(".")[2]
    found = MODELS.own.get(bare) or table.get(bare) or MODELS.get(bare)
    if found is None and kind.startswith("torch.nn."):  # a class of torch, as configs of pure Python name it
        found = getattr(nn, bare, None)
        found = found if inspect.isclass(found) and issubclass(found, nn.Module) else None
    if found is None:
        raise KeyError(f"there is no {what} {kind!r}; there are {', '.join(table)}, and what you register in MODELS")
    return found


def build_conv_layer(cfg: Mapping[str, Any] | None, *args: Any, **kwargs: Any) -> nn.Module:
    """A convolution; None is Conv2d."""
    kind, arguments = _parts(cfg, "Conv2d")
    return _class(kind, CONVOLUTIONS, "convolution")(*args, **kwargs, **arguments)


def norm_abbreviation(cls: type) -> str:
    """The name that a normalization gets in its parent: bn, gn, ln, in."""
    for bases, name in ((_InstanceNorm, "in"), (_BatchNorm, "bn"), (nn.GroupNorm, "gn"), (nn.LayerNorm, "ln")):
        if issubclass(cls, bases):
            return name
    lowered = cls.__name__.lower()
    return next((short for word, short in (("batch", "bn"), ("group", "gn"), ("layer", "ln"), ("instance", "in"))
                 if word in lowered), "norm_layer")  # fmt: skip


def build_norm_layer(cfg: Mapping[str, Any], num_features: int, postfix: int | str = "") -> tuple[str, nn.Module]:
    """A normalization over ``num_features`` channels, with its name such as ``bn1``."""
    kind, arguments = _parts(cfg)
    cls = _class(kind, NORM_CLASSES, "normalization")
    trained = arguments.pop("requires_grad", True)
    arguments.setdefault("eps", 1e-5)
    layer = (
        cls(num_channels=num_features, **arguments) if issubclass(cls, nn.GroupNorm) else cls(num_features, **arguments)
    )
    for parameter in layer.parameters():
        parameter.requires_grad = trained
    return f"{norm_abbreviation(cls)}{postfix}", layer


def build_activation_layer(cfg: Mapping[str, Any]) -> nn.Module:
    """An activation."""
    kind, arguments = _parts(cfg)
    cls = _class(kind, {**ACTIVATIONS, "Clamp": nn.Hardtanh}, "activation")
    if arguments.pop("inplace", None) and "inplace" in inspect.signature(cls).parameters:
        arguments["inplace"] = True
    return cls(**arguments)


def build_padding_layer(cfg: Mapping[str, Any], *args: Any, **kwargs: Any) -> nn.Module:
    """A padding."""
    kind, arguments = _parts(cfg)
    return _class(kind, PADDING, "padding")(*args, **kwargs, **arguments)


def build_upsample_layer(cfg: Mapping[str, Any], *args: Any, **kwargs: Any) -> nn.Module:
    """An upsampling: ``nearest``, ``bilinear``, ``deconv``, U-Net's ``InterpConv`` and ``DeconvModule``."""
    kind, arguments = _parts(cfg)
    if kind in ("nearest", "bilinear", "bicubic"):
        return Upsample(mode=kind, **{**arguments, **kwargs})
    table: dict[str, type[nn.Module]] = {"deconv": nn.ConvTranspose2d, "pixel_shuffle": nn.PixelShuffle}
    return _class(kind, table, "upsampling")(*args, **kwargs, **arguments)


def build_dropout(cfg: Mapping[str, Any], default_args: Mapping[str, Any] | None = None) -> nn.Module:
    """``Dropout`` or ``DropPath``."""
    kind, arguments = _parts({**(default_args or {}), **cfg})
    return _class(kind, {"Dropout": Dropout, "DropPath": DropPath}, "dropout")(**arguments)


def is_norm(layer: nn.Module, exclude: Any = None) -> bool:
    """Whether a layer normalizes."""
    if exclude is not None and isinstance(layer, exclude):
        return False
    return isinstance(layer, (_BatchNorm, _InstanceNorm, nn.GroupNorm, nn.LayerNorm))


class _OfBoth(type):
    """``isinstance`` is also true for the classes of Segue that do the same inside its components."""

    houses: Mapping[str, tuple[type, ...]] = {
        "ConvModule": (HouseConv, PreConv),
        "DepthwiseSeparableConvModule": (HouseSeparable,),
    }

    def __instancecheck__(cls, instance: Any) -> bool:
        houses = cls.houses.get(cls.__name__, ()) if cls.__module__ == __name__ else ()  # not for a user's subclass
        return type.__instancecheck__(cls, instance) or isinstance(instance, houses)


class ConvModule(nn.Module, metaclass=_OfBoth):
    """Convolution, normalization, activation, in the ``order`` asked for; children ``conv``, ``bn``, ``activate``."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool | str = "auto",
        conv_cfg: Mapping[str, Any] | None = None,
        norm_cfg: Mapping[str, Any] | None = None,
        act_cfg: Mapping[str, Any] | None = {"type": "ReLU"},  # as mmcv has it; never changed
        inplace: bool = True,
        with_spectral_norm: bool = False,
        padding_mode: str = "zeros",
        order: tuple[str, ...] = ("conv", "norm", "act"),
        efficient_conv_bn_eval: bool = False,
    ) -> None:
        super().__init__()
        self.conv_cfg, self.norm_cfg, self.act_cfg = conv_cfg, norm_cfg, act_cfg
        self.inplace, self.with_spectral_norm, self.order = inplace, with_spectral_norm, order
        self.with_norm, self.with_activation = norm_cfg is not None, act_cfg is not None
        self.with_bias = not self.with_norm if bias == "auto" else bool(bias)
        official = padding_mode in ("zeros", "circular")
        self.with_explicit_padding = not official
        if not official:
            self.padding_layer = build_padding_layer({"type": padding_mode}, padding)
        self.conv: Any = build_conv_layer(
            conv_cfg,
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=padding if official else 0,
            dilation=dilation,
            groups=groups,
            bias=self.with_bias,
        )
        for name in ("in_channels", "out_channels", "kernel_size", "stride", "dilation", "groups"):
            setattr(self, name, getattr(self.conv, name))
        self.padding = padding
        if with_spectral_norm:
            self.conv = nn.utils.spectral_norm(self.conv)
        self.norm_name = None
        if norm_cfg is not None:
            width = out_channels if order.index("norm") > order.index("conv") else in_channels
            self.norm_name, norm = build_norm_layer(norm_cfg, width)
            self.add_module(self.norm_name, norm)
        if act_cfg is not None:
            self.activate = build_activation_layer({"inplace": inplace, **act_cfg})
        self.init_weights()

    @property
    def norm(self) -> Any:
        """The normalization, or None."""
        return getattr(self, self.norm_name) if self.norm_name else None

    def init_weights(self) -> None:
        """He's weights for the activation that follows."""
        if not hasattr(self.conv, "init_weights"):
            leaky = self.with_activation and (self.act_cfg or {})["type"] == "LeakyReLU"
            slope = (self.act_cfg or {}).get("negative_slope", 0.01) if leaky else 0
            kaiming_init(self.conv, a=slope, nonlinearity="leaky_relu" if leaky else "relu")
        if self.norm is not None:
            constant_init(self.norm, 1, bias=0)

    def forward(self, x: Tensor, activate: bool = True, norm: bool = True) -> Tensor:
        """(B, in_channels, H, W) to (B, out_channels, H', W')."""
        for step in self.order:
            if step == "conv":
                x = self.conv(self.padding_layer(x) if self.with_explicit_padding else x)
            elif step == "norm" and norm and self.norm is not None:
                x = self.norm(x)
            elif step == "act" and activate and self.with_activation:
                x = self.activate(x)
        return x


class DepthwiseSeparableConvModule(nn.Module, metaclass=_OfBoth):
    """A k x k convolution per channel, then 1 x 1 across channels."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        norm_cfg: Mapping[str, Any] | None = None,
        act_cfg: Mapping[str, Any] = {"type": "ReLU"},  # as mmcv has it; never changed
        dw_norm_cfg: Any = "default",
        dw_act_cfg: Any = "default",
        pw_norm_cfg: Any = "default",
        pw_act_cfg: Any = "default",
        **kwargs: Any,
    ) -> None:
        super().__init__()

        def chosen(own: Any, shared: Any) -> Any:
            return shared if own == "default" else own

        self.depthwise_conv = ConvModule(
            in_channels,
            in_channels,
            kernel_size,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=in_channels,
            norm_cfg=chosen(dw_norm_cfg, norm_cfg),
            act_cfg=chosen(dw_act_cfg, act_cfg),
            **kwargs,
        )
        self.pointwise_conv = ConvModule(
            in_channels,
            out_channels,
            1,
            norm_cfg=chosen(pw_norm_cfg, norm_cfg),
            act_cfg=chosen(pw_act_cfg, act_cfg),
            **kwargs,
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, out_channels, H', W')."""
        return self.pointwise_conv(self.depthwise_conv(x))


class FFN(BaseModule):
    """Two linear layers with an activation between, and a residual connection."""

    def __init__(
        self,
        embed_dims: int = 256,
        feedforward_channels: int = 1024,
        num_fcs: int = 2,
        act_cfg: Mapping[str, Any] = {"type": "ReLU", "inplace": True},  # as mmcv has it
        ffn_drop: float = 0.0,
        dropout_layer: Mapping[str, Any] | None = None,
        add_identity: bool = True,
        init_cfg: Any = None,
        layer_scale_init_value: float = 0.0,
    ) -> None:
        super().__init__(init_cfg)
        self.embed_dims, self.add_identity = embed_dims, add_identity
        layers: list[nn.Module] = []
        width = embed_dims
        for _ in range(num_fcs - 1):
            block = (nn.Linear(width, feedforward_channels), build_activation_layer(act_cfg), nn.Dropout(ffn_drop))
            layers.append(nn.Sequential(*block))
            width = feedforward_channels
        self.layers = nn.Sequential(*layers, nn.Linear(feedforward_channels, embed_dims), nn.Dropout(ffn_drop))
        self.dropout_layer = build_dropout(dropout_layer) if dropout_layer else nn.Identity()

    def forward(self, x: Tensor, identity: Tensor | None = None) -> Tensor:
        """(B, N, embed_dims) to the same."""
        out = self.dropout_layer(self.layers(x))
        return (x if identity is None else identity) + out if self.add_identity else out


__all__ = ["FFN", "ConvModule", "DepthwiseSeparableConvModule", "DropPath", "HSigmoid", "Scale"]
