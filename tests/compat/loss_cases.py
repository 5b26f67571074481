"""Calls of losses as mmseg's users write them; ``data/loss_calls.json`` holds what mmseg 1.2.2 answers."""

from __future__ import annotations

import json
from typing import Any

import torch

LABELS = (torch.arange(40) * 7 % 5).view(2, 4, 5) % 3
SCORES = torch.sin(torch.arange(120, dtype=torch.float64) * 12.9898).float().view(2, 3, 4, 5)
DEPTHS = torch.linspace(0.5, 8.0, 40).view(2, 4, 5)
VALUES: dict[str, torch.Tensor] = {
    "scores": SCORES,
    "labels": LABELS,
    "ignored": LABELS.where(torch.arange(40).view(2, 4, 5) % 6 != 0, 255),
    "torchs": LABELS.where(torch.arange(40).view(2, 4, 5) % 6 != 0, -100),
    "floats": LABELS.float(),
    "pixels": torch.cos(torch.arange(40.0)).abs().view(2, 4, 5),
    "images": torch.tensor([0.25, 2.0]),
    "one": SCORES[:, :1],
    "two": SCORES[:, :2],
    "binary": LABELS % 2,
    "depths": DEPTHS,
    "near": DEPTHS * 1.1 + SCORES[:, 0] * 0.1,
    "teacher": SCORES.flip(0),
    "onehot": torch.nn.functional.one_hot(LABELS, 3).permute(0, 3, 1, 2),
    "hot": torch.nn.functional.one_hot(LABELS, 3).permute(0, 3, 1, 2).float(),
}
PAIR = ("scores", "labels")


def _each(name: str, ctor: dict[str, Any], pair: tuple[str, str], *more: dict[str, Any]) -> list[Any]:
    return [(name, ctor, {"args": pair, "kwargs": each}) for each in more]


OVERRIDES: tuple[dict[str, Any], ...] = (
    {},
    {"avg_factor": 7},
    {"avg_factor": 7.5, "reduction_override": "mean"},
    {"reduction_override": "sum"},
    {"reduction_override": "none"},
    {"reduction_override": "none", "avg_factor": 3},
)
#: class, its arguments, and positional and keyword arguments of the call: names of ``VALUES``, or other values
CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    *_each("CrossEntropyLoss", {}, PAIR, *OVERRIDES, {"weight": "pixels"}, {"weight": "pixels", "avg_factor": 5}),
    *_each("CrossEntropyLoss", {"class_weight": [0.5, 1.0, 2.0], "loss_weight": 0.3}, PAIR, *OVERRIDES[1:]),
    *_each(
        "CrossEntropyLoss", {}, ("scores", "ignored"), {"ignore_index": 255}, {"ignore_index": 255, "avg_factor": 4}
    ),
    *_each("CrossEntropyLoss", {"avg_non_ignore": True}, ("scores", "ignored"), {"ignore_index": 255}),
    *_each("CrossEntropyLoss", {}, ("scores", "torchs"), {}, {"avg_factor": 9}),
    *_each("CrossEntropyLoss", {"use_sigmoid": True}, PAIR, *OVERRIDES),
    *_each("CrossEntropyLoss", {"use_sigmoid": True}, ("one", "binary"), *OVERRIDES[:4]),
    ("CrossEntropyLoss", {}, {"kwargs": {"cls_score": "scores", "label": "labels"}}),
    ("CrossEntropyLoss", {}, {"args": ("scores", "labels", "pixels", 6.0, "mean", 255)}),
    ("CrossEntropyLoss", {"reduction": "sum"}, {"args": PAIR}),
    *_each("DiceLoss", {}, PAIR, *OVERRIDES, {"weight": "images"}, {"weight": "images", "avg_factor": 3}),
    *_each("DiceLoss", {"use_sigmoid": False, "naive_dice": True, "loss_weight": 0.4}, PAIR, *OVERRIDES[:4]),
    *_each("DiceLoss", {}, ("scores", "hot"), {}, {"avg_factor": 5}),
    ("DiceLoss", {"reduction": "none"}, {"args": (*PAIR, "images", None, "sum")}),
    ("DiceLoss", {"activate": False}, {"kwargs": {"pred": "hot", "target": "labels"}}),
    # label maps (B, H, W) fail in the reference's FocalLoss on the CPU
    *_each("FocalLoss", {}, ("scores", "onehot"), *OVERRIDES),
    *_each("FocalLoss", {}, ("scores", "hot"), *OVERRIDES[:4]),
    *_each(
        "FocalLoss",
        {"alpha": 0.25, "gamma": 1.0, "class_weight": [1.0, 2.0, 3.0]},
        ("scores", "onehot"),
        *OVERRIDES[:4],
    ),
    ("FocalLoss", {"reduction": "sum"}, {"args": ("scores", "onehot", None, None, "mean", 255)}),
    ("FocalLoss", {}, {"kwargs": {"pred": "scores", "target": "onehot"}}),
    *_each("LovaszLoss", {"reduction": "none"}, PAIR, {}, {"ignore_index": 255}),
    *_each("LovaszLoss", {"per_image": True}, PAIR, *OVERRIDES),
    *_each("LovaszLoss", {"per_image": True, "loss_type": "binary"}, ("one", "binary"), *OVERRIDES[:4]),
    ("LovaszLoss", {"reduction": "none"}, {"kwargs": {"cls_score": "scores", "label": "ignored", "ignore_index": 255}}),
    *_each("TverskyLoss", {}, PAIR, {}, {"ignore_index": 255}),
    *_each("TverskyLoss", {"alpha": 0.6, "beta": 0.4, "class_weight": [1.0, 2.0, 3.0]}, PAIR, {}),
    ("OhemCrossEntropy", {"min_kept": 4}, {"args": PAIR}),
    ("OhemCrossEntropy", {"min_kept": 4}, {"kwargs": {"score": "scores", "target": "ignored"}}),
    ("BoundaryLoss", {}, {"args": ("one", "binary")}),
    ("BoundaryLoss", {"loss_weight": 2.0}, {"kwargs": {"bd_pre": "one", "bd_gt": "binary"}}),
    *_each("HuasdorffDisstanceLoss", {}, ("two", "binary"), {}, {"avg_factor": None, "reduction_override": "sum"}),
    ("HuasdorffDisstanceLoss", {"loss_weight": 0.5}, {"kwargs": {"pred": "two", "target": "binary"}}),
    *_each(
        "SiLogLoss", {}, ("near", "depths"), *OVERRIDES, {"weight": "images"}, {"weight": "images", "avg_factor": 3}
    ),
    ("SiLogLoss", {"reduction": "none"}, {"args": ("near", "depths", "images")}),
]


def value(given: Any) -> Any:
    """A tensor of ``VALUES``, or what it is."""
    return VALUES[given].clone() if isinstance(given, str) and given in VALUES else given


def args(given: Any) -> list[Any]:
    """All of them."""
    return [value(each) for each in given]


def label(name: str, ctor: dict[str, Any], call: dict[str, Any]) -> str:
    """The key of a case in the file."""
    return json.dumps([name, ctor, call])
