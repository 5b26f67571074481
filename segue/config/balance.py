"""``class_weight``: whether it fits, and names such as ``'auto'`` that training replaces by numbers from its data."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from segue.config.nodes import dicts_in, heads_of, losses_of

#: See segue.training.balance for the formulas.
NAMES = ("auto", "inverse", "median", "effective")


def named_weights(cfg: Mapping[str, Any]) -> list[tuple[Any, str]]:
    """The losses of the model whose ``class_weight`` is one of the names, each with its name."""
    return [(node, node["class_weight"]) for node in dicts_in(cfg.get("model")) if node.get("class_weight") in NAMES]


def without_named_weights(cfg: Mapping[str, Any]) -> Mapping[str, Any]:
    """The config as a model is built from it when it is not trained: weights of a loss do not matter then."""
    if not named_weights(cfg):
        return cfg
    cfg = copy.deepcopy(cfg)
    for node, _ in named_weights(cfg):
        node["class_weight"] = None
    return cfg


def wrong_weights(cfg: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Key path and message of class weights that are not as many as the head has classes, or logits."""
    for at, head in heads_of(cfg):
        classes = head.get("num_classes") if isinstance(head, Mapping) else None
        if not isinstance(classes, int):
            continue
        for path, loss in losses_of(head, at):
            weights = loss.get("class_weight") if isinstance(loss, Mapping) else None
            if str(loss.get("loss_name")).startswith("loss_cls"):
                continue  # of masks, which may be of no class: the head that has them looks itself
            if isinstance(weights, (list, tuple)) and len(weights) not in (classes, head.get("out_channels")):
                yield f"{path}.class_weight", f"has {len(weights)} values for num_classes={classes}"
