"""Attributes of models that are more than an argument of the same name, which `segue.reference.attributes` has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn


def _levels(module: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    inputs, end = len(module.in_channels), given.get("end_level", -1)
    return {"num_ins": inputs, "backbone_end_level": inputs if end == -1 else end, "fp16_enabled": False}


def _residual(net: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Of ResNet and its kin: their layers by name, blocks of each, and widths."""
    names = [name for name, _ in net.named_children() if name.startswith("layer")]
    stages = [getattr(net, name) for name in names]
    last = [each for each in stages[-1][-1].modules() if isinstance(each, nn.Conv2d)]
    width = max(conv.out_channels for conv in last if conv.groups == 1)
    found = {"res_layers": names, "stage_blocks": tuple(len(stage) for stage in stages)}
    deep = hasattr(net, "stem")
    return {**found, "inplanes": width, "feat_dim": width} | ({} if deep else {"norm1_name": "bn1"})


def _patches(net: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    found = {"patch_shape": net.grid, "window_size": net.grid}
    return found | ({"norm1_name": "ln1"} if given.get("final_norm") else {})


def _branches(net: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    stages = {f"{name}_cfg": value for name, value in given["extra"].items()}
    return {**stages, "norm1_name": "bn1", "norm2_name": "bn2"}


_SELECTED = ("FPNHead", "UPerHead", "SegformerHead", "EncHead", "ANNHead", "LightHamHead", "SETRMLAHead")
#: class -> its attributes, from the object and what it was given
BESIDE: dict[str, Callable[[Any, Mapping[str, Any]], dict[str, Any]]] = {
    "FPN": _levels,
    "JPU": _levels,
    "MultiLevelNeck": lambda module, given: {"num_outs": len(module.scales)},
    **dict.fromkeys(("ResNet", "ResNetV1c", "ResNetV1d", "ResNeXt", "ResNeSt"), _residual),
    "HRNet": _branches,
    "BEiT": _patches,
    "MAE": lambda net, given: {**_patches(net, given), "qv_bias": False, "num_patches": net.grid[0] * net.grid[1]},
    "SwinTransformer": lambda net, given: {
        "num_features": [given.get("embed_dims", 96) << i for i in range(len(given.get("depths", (2, 2, 6, 2))))]
    },
    "FastSCNN": lambda net, given: dict(
        zip(
            ("downsample_dw_channels1", "downsample_dw_channels2"),
            given.get("downsample_dw_channels", (32, 48)),
            strict=True,
        )
    ),
    "PCPVT": lambda net, given: {"norm_name": "ln1"},
    "SVT": lambda net, given: {"norm_name": "ln1"},
    "STDCNet": lambda net, given: {"num_shallow_features": 2, "prtrained": given.get("pretrained")},
    **{name: lambda head, given: {"input_transform": "multiple_select"} for name in _SELECTED},
    **{
        name: lambda head, given: {"act_cfg": given.get("act_cfg", {"type": "ReLU", "inplace": True})}
        for name in ("DDRHead", "PIDHead")
    },
    "KernelUpdateHead": lambda head, given: {"fp16_enabled": False},
    "KernelUpdator": lambda head, given: {
        "act_cfg": given.get("act_cfg", {"type": "ReLU", "inplace": True}),
        "norm_cfg": given.get("norm_cfg", {"type": "LN"}),
        "num_params_in": head.feat_channels,
        "num_params_out": head.feat_channels,
        "out_channels_raw": given.get("out_channels"),
    },
    "PointHead": lambda head, given: {
        "input_transform": "multiple_select",
        "conv_cfg": given.get("conv_cfg", {"type": "Conv1d"}),
        "act_cfg": given.get("act_cfg", {"type": "ReLU", "inplace": False}),
    },
    "SegmenterMaskTransformerHead": lambda head, given: {"norm_cfg": None},
    "OhemCrossEntropy": lambda module, given: {"thresh": module.thres},
}


#: class -> its normalizations by mmseg's names, which ``norm1_name`` ... say
NORMS = {
    **dict.fromkeys(("ResNet", "ResNetV1c", "ResNetV1d", "ResNeXt", "ResNeSt"), ("norm1",)),
    "HRNet": ("norm1", "norm2"),
}


def norms(name: str) -> dict[str, Any]:
    """Properties that give a class's normalizations."""

    def named(key: str) -> property:
        return property(lambda net: getattr(net, getattr(net, f"{key}_name")))

    return {key: named(key) for key in NORMS.get(name, ())}


def keep(module: Any, name: str, given: Mapping[str, Any]) -> None:
    """Set them, where the object has none of the name."""
    found = {"loss_name_": module.loss_name} if hasattr(module, "loss_name") else {}
    for key, value in {**found, **BESIDE.get(name, lambda *_: {})(module, given)}.items():
        if not hasattr(module, key):
            setattr(module, key, value)
