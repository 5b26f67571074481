"""``class_weight='auto'``: names that training replaces by numbers from its data; nothing else needs them."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

#: See segue.training.balance for the formulas.
NAMES = ("auto", "inverse", "median", "effective")


def named_weights(cfg: Mapping[str, Any]) -> list[tuple[Any, str]]:
    """The losses of the model whose ``class_weight`` is one of the names, each with its name."""
    return [(node, node["class_weight"]) for node in _dicts(cfg.get("model")) if node.get("class_weight") in NAMES]


def without_named_weights(cfg: Mapping[str, Any]) -> Mapping[str, Any]:
    """The config as a model is built from it when it is not trained: weights of a loss do not matter then."""
    if not named_weights(cfg):
        return cfg
    cfg = copy.deepcopy(cfg)
    for node, _ in named_weights(cfg):
        node["class_weight"] = None
    return cfg


def _dicts(node: Any) -> Iterator[Any]:
    if isinstance(node, Mapping):
        yield node
        for value in node.values():
            yield from _dicts(value)
    elif isinstance(node, (list, tuple)):
        for value in node:
            yield from _dicts(value)
