"""Every loss of mmseg: arguments, logits and labels, what comes out; what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from tests.compat.reference.facts import attributes, look, named, pattern, tried


def labels(classes: int = 3, ignored: bool = False) -> Tensor:
    """(2, 6, 5), of which a row may be ignored."""
    made = torch.arange(60).view(2, 6, 5) * 7 % 11 % classes
    if ignored:
        made[:, 0] = 255
    return made


LOGITS = 3 * pattern(2, 3, 6, 5)
ONE = 3 * pattern(2, 1, 6, 5)
WEIGHT = pattern(2, 6, 5, seed=3).abs()
DEPTHS = 1 + pattern(2, 6, 5).abs()
#: name of an input -> positional arguments
INPUTS: dict[str, tuple[Any, ...]] = {
    "plain": (LOGITS, labels()),
    "ignored": (LOGITS, labels(ignored=True)),
    "one": (ONE, labels(2)),
    "edges": (ONE, labels(2)[:, None].float()),
    "flat": (LOGITS[:, :, 0, 0], labels()[:, 0, 0]),
    "flat one": (LOGITS[:, :1, 0, 0], labels(2)[:, 0, 0]),
    "one hot": (LOGITS, torch.nn.functional.one_hot(labels(), 3).permute(0, 3, 1, 2)),
    "depth": (DEPTHS, DEPTHS.flip(0) * 1.1),
    "depth gaps": (DEPTHS, DEPTHS.flip(0) * (labels(2) == 1)),
}
IGNORE = {"ignore_index": 255}
WEIGHTS = {"class_weight": [0.2, 1.0, 1.8]}
#: class -> arguments, kind of input and keywords of the call
CASES: dict[str, list[tuple[dict[str, Any], str, dict[str, Any]]]] = {
    "CrossEntropyLoss": [
        ({}, "plain", {}), ({}, "ignored", IGNORE), ({"avg_non_ignore": True}, "ignored", IGNORE),
        ({"loss_weight": 0.4, "loss_name": "loss_mine"}, "plain", {}), ({"reduction": "sum"}, "plain", {}),
        ({"reduction": "none"}, "plain", {}), (WEIGHTS, "plain", {}), ({"use_sigmoid": True}, "plain", {}),
        ({"use_sigmoid": True}, "ignored", IGNORE), ({"use_sigmoid": True}, "one", {}), ({"use_sigmoid": True,
        "avg_non_ignore": True}, "ignored", IGNORE), ({}, "flat", {}), ({"use_sigmoid": True}, "flat one", {}),
        ({}, "plain", {"weight": WEIGHT}), ({"use_sigmoid": True}, "one hot", {}),
    ],
    "DiceLoss": [
        ({}, "one hot", {}), ({"use_sigmoid": False}, "plain", {}), ({"use_sigmoid": False, "naive_dice": True},
        "one hot", {}), ({"loss_weight": 0.4, "eps": 1.0}, "one hot", {}), ({"activate": False}, "one hot", {}),
        ({"use_sigmoid": True}, "plain", {}), ({"reduction": "sum"}, "one hot", {}), ({"reduction": "none"},
        "one hot", {}), ({"loss_name": "loss_mine"}, "plain", {}),
    ],
    "FocalLoss": [
        ({}, "one hot", {}), ({"gamma": 1.0, "alpha": 0.25}, "one hot", {}), ({"alpha": [0.2, 0.5, 0.8]}, "one hot",
        {}), ({"loss_weight": 0.4}, "one hot", {}), ({"reduction": "sum"}, "one hot", {}), ({"reduction": "none"},
        "one hot", {}), (WEIGHTS, "one hot", {}), ({"loss_name": "loss_mine"}, "one hot", {}),
    ],
    "LovaszLoss": [
        ({"per_image": True}, "plain", {}), ({"per_image": True}, "ignored", IGNORE), ({"reduction": "none"}, "plain",
        {}), ({"reduction": "none", "classes": "all"}, "plain", {}), ({"reduction": "none", "classes": [0, 2]},
        "plain", {}), ({"per_image": True, "reduction": "sum"}, "plain", {}), ({**WEIGHTS, "reduction": "none"},
        "plain", {}), ({"loss_type": "binary", "per_image": True}, "one", {}), ({"loss_type": "binary", "reduction":
        "none"}, "one", {}), ({"per_image": True, "loss_weight": 0.4, "loss_name": "loss_mine"}, "plain", {}),
    ],
    "TverskyLoss": [
        ({}, "plain", {}), ({"alpha": 0.5, "beta": 0.5}, "plain", {}), ({"smooth": 2, "loss_weight": 0.4}, "plain",
        {}), (WEIGHTS, "plain", {}), ({}, "ignored", {}), ({"loss_name": "loss_mine"}, "plain", {}),
    ],
    "OhemCrossEntropy": [
        ({"thres": 0.7, "min_kept": 10}, "plain", {}), ({"thres": 0.9, "min_kept": 40}, "ignored", {}), ({"min_kept":
        5, **WEIGHTS}, "plain", {}), ({"min_kept": 10, "loss_weight": 0.4, "loss_name": "loss_mine"}, "plain", {}),
    ],
    "BoundaryLoss": [({}, "edges", {}), ({"loss_weight": 20.0, "loss_name": "loss_mine"}, "edges", {})],
    "SiLogLoss": [({}, "depth", {}), ({"loss_weight": 0.4}, "depth", {}), ({}, "depth gaps", {}),
                  ({"eps": 1e-3, "reduction": "sum", "loss_name": "loss_mine"}, "depth", {}),
                  ({"reduction": "none"}, "depth", {})],
    "HuasdorffDisstanceLoss": [({}, "two", {}), ({"loss_weight": 0.4, "loss_name": "loss_mine"}, "two", {})],
}  # fmt: skip
INPUTS["two"] = (3 * pattern(2, 2, 6, 5), labels(2))
#: class -> arguments, and the input where the call is what may refuse
BAD: dict[str, list[tuple[Any, ...]]] = {
    "CrossEntropyLoss": [({"use_sigmoid": True, "use_mask": True},), ({}, "plain", {"reduction_override": "max"}),
                         ({"reduction": "max"}, "plain", {})],
    "DiceLoss": [({}, "plain", {"reduction_override": "max"})],
    "FocalLoss": [({"use_sigmoid": False},), ({"reduction": "max"},), ({"loss_weight": "1"},), ({"gamma": "1"},),
                  ({"alpha": "1"},), ({"class_weight": "a"},), ({"loss_name": 1},),
                  ({}, "one hot", {"reduction_override": "max"})],
    "LovaszLoss": [({"loss_type": "other"},), ({"classes": "some", "reduction": "none"},)],
    "TverskyLoss": [({"alpha": 0.4, "beta": 0.5},)],
}  # fmt: skip
DESIGNED: dict[str, str] = {}


def observe(name: str, module: str) -> dict[str, Any]:
    """What a loss shows by each of its cases."""
    made_by = named(module, name)
    found: dict[str, Any] = {}
    for number, case in enumerate(CASES[name]):
        found[str(number)] = tried(lambda: seen(made_by, *case))  # noqa: B023
    for number, case in enumerate(BAD.get(name, ())):
        found[f"bad {number}"] = tried(lambda: seen(made_by, *case))  # noqa: B023
    return found


def seen(made_by: Any, arguments: dict[str, Any], kind: str = "", options: Mapping[str, Any] | None = None) -> Any:
    """Its attributes, its value and what flows back."""
    loss = made_by(**arguments)
    found: dict[str, Any] = {"attributes": attributes(loss), "name": loss.loss_name}
    if kind:
        prediction, *others = INPUTS[kind]
        prediction = prediction.clone().requires_grad_()
        value = loss(prediction, *others, **(options or {}))
        found["value"] = look(value)
        value.sum().backward()
        found["gradient"] = look(prediction.grad)
    return found
