"""Where the heads, losses and datasets of a config are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

HEADS = ("decode_head", "auxiliary_head")


def heads_of(cfg: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The heads of the model with their key paths."""
    model = cfg.get("model") or {}
    for key in HEADS:
        yield from heads_in(model.get(key), f"model.{key}")


def heads_in(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The heads of one ``decode_head`` or ``auxiliary_head``, which is a head or a list of them, with their paths."""
    if isinstance(node, Mapping):
        yield path, node
    for i, head in enumerate(node if isinstance(node, (list, tuple)) else ()):
        if isinstance(head, Mapping):
            yield f"{path}.{i}", head


def other_class_counts(cfg: Mapping[str, Any], count: int) -> Iterator[tuple[str, int]]:
    """The key paths and values of ``num_classes`` of the heads that are made for another number of classes."""
    for path, head in heads_of(cfg):
        number = head.get("num_classes")
        if isinstance(number, int) and number != count:
            yield f"{path}.num_classes", number


def losses_of(head: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    """The losses of a head with their key paths."""
    losses = head.get("loss_decode")
    if isinstance(losses, Mapping):
        yield f"{path}.loss_decode", losses
    for i, loss in enumerate(losses if isinstance(losses, (list, tuple)) else ()):
        if isinstance(loss, Mapping):
            yield f"{path}.loss_decode.{i}", loss


def dataset_nodes(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The dicts of the datasets inside wrappers such as RepeatDataset and ConcatDataset, with their key paths."""
    if isinstance(node, (list, tuple)):
        for i, item in enumerate(node):
            yield from dataset_nodes(item, f"{path}.{i}")
    elif isinstance(node, Mapping) and node.get("datasets"):
        yield from dataset_nodes(node["datasets"], f"{path}.datasets")
    elif isinstance(node, Mapping) and isinstance(node.get("dataset"), Mapping):
        yield from dataset_nodes(node["dataset"], f"{path}.dataset")
    elif isinstance(node, Mapping):
        yield path, node


def dicts_in(node: Any) -> Iterator[Any]:
    """Every dict at or below a node, each before those that it holds."""
    if isinstance(node, Mapping):
        yield node
        for value in node.values():
            yield from dicts_in(value)
    elif isinstance(node, (list, tuple)):
        for value in node:
            yield from dicts_in(value)
