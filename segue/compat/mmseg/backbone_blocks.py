"""Blocks of small backbones by mmseg's names and arguments, over Segue's own: BiSeNet, CGNet, ERFNet, FastSCNN, MSCAN.

Each takes ``norm_cfg`` and ``act_cfg`` dicts; ``conv_cfg`` may only be None, as the blocks convolve plainly.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from segue.compat.mmengine.modules import Initialized
from segue.compat.refusals import RefusedValueError
from segue.config.builder.plan import Planner, make
from segue.errors import ConfigError

_NEEDED = inspect.Parameter.empty
_BN, _RELU, _GELU = {"type": "BN"}, {"type": "ReLU"}, {"type": "GELU"}
_PLAIN = {"conv_cfg": None, "norm_cfg": _BN, "act_cfg": _RELU, "init_cfg": None}
_ERF = {**_PLAIN, "norm_cfg": {"type": "BN", "eps": 1e-3}}
_SYNC = {"type": "SyncBN", "requires_grad": True}
_KERNELS, _PADDINGS = [5, [1, 7], [1, 11], [1, 21]], [2, [0, 3], [0, 5], [0, 10]]
_BOTH = {"in_channels": _NEEDED, "out_channels": _NEEDED}
#: name -> file and class of Segue, mmseg's arguments with their defaults, and Segue's names of those that differ
_BLOCKS: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = {
    "SpatialPath": ("bisenetv1.SpatialPath", {"in_channels": 3, "num_channels": (64, 64, 64, 128), **_PLAIN},
                    {"num_channels": "widths"}),
    "AttentionRefinementModule": ("bisenetv1.AttentionRefinement", {"in_channels": _NEEDED, "out_channel": _NEEDED,
                                  **_PLAIN}, {"out_channel": "out_channels"}),
    "ContextPath": ("bisenetv1.ContextPath", {"backbone_cfg": _NEEDED, "context_channels": (128, 256, 512),
                    "align_corners": False, **_PLAIN}, {"context_channels": "channels"}),
    "FeatureFusionModule": ("bisenetv1.FeatureFusionModule", {**_BOTH, **_PLAIN}, {}),
    "DetailBranch": ("bisenetv2.DetailBranch", {"detail_channels": (64, 64, 128), "in_channels": 3, **_PLAIN},
                     {"detail_channels": "widths"}),
    "StemBlock": ("bisenetv2.StemBlock", {"in_channels": 3, "out_channels": 16, **_PLAIN},
                  {"out_channels": "channels"}),
    "GELayer": ("bisenetv2.GELayer", {**_BOTH, "exp_ratio": 6, "stride": 1, **_PLAIN}, {"exp_ratio": "expand_ratio"}),
    "CEBlock": ("bisenetv2.CEBlock", {"in_channels": 3, "out_channels": 16, **_PLAIN}, {"out_channels": "channels"}),
    "SemanticBranch": ("bisenetv2.SemanticBranch", {"semantic_channels": (16, 32, 64, 128), "in_channels": 3,
                       "exp_ratio": 6, "init_cfg": None}, {"semantic_channels": "widths", "exp_ratio": "expand_ratio"}),
    "BGALayer": ("bisenetv2.BGALayer", {"out_channels": 128, "align_corners": False, **_PLAIN},
                 {"out_channels": "channels"}),
    "ContextGuidedBlock": ("cgnet.ContextGuidedBlock", {**_BOTH, "dilation": 2, "reduction": 16, "skip_connect": True,
                           "downsample": False, "conv_cfg": None, "norm_cfg": {"type": "BN", "requires_grad": True},
                           "act_cfg": {"type": "PReLU"}, "with_cp": False}, {}),
    "GlobalContextExtractor": ("cgnet.GlobalContextExtractor", {"channel": _NEEDED, "reduction": 16,
                               "with_cp": False}, {"channel": "channels"}),
    "DownsamplerBlock": ("erfnet.DownsamplerBlock", {**_BOTH, **_ERF}, {}),
    "UpsamplerBlock": ("erfnet.UpsamplerBlock", {**_BOTH, **_ERF}, {}),
    "NonBottleneck1d": ("erfnet.NonBottleneck1d", {"channels": _NEEDED, "drop_rate": 0, "dilation": 1,
                        "num_conv_layer": 2, **_ERF}, {"drop_rate": "dropout_ratio"}),
    "LearningToDownsample": ("fastscnn.LearningToDownsample", {"in_channels": _NEEDED, "dw_channels": _NEEDED,
                             "out_channels": _NEEDED, "conv_cfg": None, "norm_cfg": _BN, "act_cfg": _RELU,
                             "dw_act_cfg": None}, {"dw_channels": "widths", "dw_act_cfg": "depthwise_act"}),
    "MSCAAttention": ("mscan.MultiScaleAttention", {"channels": _NEEDED, "kernel_sizes": _KERNELS, "paddings":
                      _PADDINGS}, {"kernel_sizes": "kernels"}),
    "MSCASpatialAttention": ("mscan.SpatialAttention", {"in_channels": _NEEDED, "attention_kernel_sizes": _KERNELS,
                             "attention_kernel_paddings": _PADDINGS, "act_cfg": _GELU}, {"in_channels": "channels",
                             "attention_kernel_sizes": "kernels", "attention_kernel_paddings": "paddings"}),
    "StemConv": ("mscan.Stem", {**_BOTH, "act_cfg": _GELU, "norm_cfg": _SYNC}, {"out_channels": "channels"}),
}  # fmt: skip
#: class -> arguments that have one value only
_ONLY: dict[str, dict[str, Any]] = {
    "ContextPath": {"align_corners": False},
    "ContextGuidedBlock": {"skip_connect": True},
    "GlobalContextExtractor": {"with_cp": False},
    "NonBottleneck1d": {"num_conv_layer": 2},
}


class InputInjection(nn.Module):
    """CGNet's image at a smaller size: ``num_downsampling`` means of 3 x 3 with stride 2."""

    def __init__(self, num_downsampling: int) -> None:
        super().__init__()
        self.pool = nn.ModuleList(nn.AvgPool2d(3, stride=2, padding=1) for _ in range(num_downsampling))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C, H / 2 ** n, W / 2 ** n)."""
        for pool in self.pool:
            x = pool(x)
        return x


class _Tokens:
    """MSCAN's stem in mmseg gives tokens, and their rows and columns."""

    def forward(self, x: Tensor) -> tuple[Tensor, int, int]:
        """(B, in_channels, H, W) to (B, H / 4 * W / 4, out_channels), H / 4 and W / 4."""
        found: Tensor = super().forward(x)  # type: ignore[misc]
        return found.flatten(2).transpose(1, 2), found.shape[2], found.shape[3]


def _made(name: str) -> type:
    place, arguments, own_names = _BLOCKS[name]
    file, _, own = place.rpartition(".")
    base = getattr(importlib.import_module(f"segue.backbones.{file}"), own)
    usual = [
        inspect.Parameter(key, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=value)
        for key, value in arguments.items()
    ]
    signature = inspect.Signature(usual)

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        given = dict(bound.arguments)
        init_cfg = given.pop("init_cfg", None)
        for key, value in {"conv_cfg": None, **_ONLY.get(name, {})}.items():
            if given.pop(key, value) != value:
                raise RefusedValueError(f"{name}: {key} can only be {value!r} in Segue; write a block of your own")
        if name == "CEBlock" and given.pop("in_channels") != given["out_channels"]:
            raise RefusedValueError("CEBlock: in_channels must be out_channels, since the input is added")
        base.__init__(self, **_typed(name, base, {own_names.get(key, key): value for key, value in given.items()}))
        self.init_cfg = init_cfg

    __init__.__signature__ = signature  # type: ignore[attr-defined]
    bases = (Initialized, *((_Tokens,) if name == "StemConv" else ()), base)
    return type(name, bases, {"__init__": __init__, "__doc__": base.__doc__, "__module__": __name__})


def _typed(name: str, base: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as Segue's block takes them."""
    if name == "SemanticBranch":
        given = {**given, "norm_cfg": _BN, "act_cfg": _RELU}
    rest = {key: value for key, value in given.items() if key != "depthwise_act"}
    planner = Planner({})
    more = {"depthwise_act_cfg": given["depthwise_act"]} if "depthwise_act" in given else {}
    plan = planner.call(base, rest | more,
                        name)  # fmt: skip
    if planner.problems:
        raise ConfigError(planner.problems)
    return {key: make(value) for key, value in plan.arguments.items()}


def __getattr__(name: str) -> Any:
    if name not in _BLOCKS:
        raise AttributeError(name)
    globals()[name] = found = _made(name)
    return found
