"""Attributes of mmseg's models that are more than an argument of the same name, which `segue.reference.attributes` has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def _levels(module: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    inputs, end = len(module.in_channels), given.get("end_level", -1)
    return {"num_ins": inputs, "backbone_end_level": inputs if end == -1 else end, "fp16_enabled": False}


_SELECTED = ("FPNHead", "UPerHead", "SegformerHead", "EncHead", "ANNHead", "LightHamHead", "SETRMLAHead")
#: class -> its attributes, from the object and what it was given
BESIDE: dict[str, Callable[[Any, Mapping[str, Any]], dict[str, Any]]] = {
    "FPN": _levels,
    "JPU": _levels,
    "MultiLevelNeck": lambda module, given: {"num_outs": len(module.scales)},
    **{name: lambda head, given: {"input_transform": "multiple_select"} for name in _SELECTED},
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


def keep(module: Any, name: str, given: Mapping[str, Any]) -> None:
    """Set them, where the object has none of the name."""
    found = {"loss_name_": module.loss_name} if hasattr(module, "loss_name") else {}
    for key, value in {**found, **BESIDE.get(name, lambda *_: {})(module, given)}.items():
        if not hasattr(module, key):
            setattr(module, key, value)
