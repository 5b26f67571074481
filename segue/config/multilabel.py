"""What ``labels = dict(kind='multilabel')`` asks of heads, datasets and metrics."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from segue.config.builder.find import UnknownNameError, find
from segue.config.builder.leaves import short
from segue.config.contract import Contract
from segue.config.nodes import dataset_nodes, heads_of, losses_of
from segue.config.origins import origin_of
from segue.errors import Problem

#: Losses that take several classes per pixel, with the argument that says so; None: they see it from the labels.
LOSSES: dict[str, tuple[str, Any] | None] = {
    "CrossEntropyLoss": ("use_sigmoid", True),
    "DiceLoss": ("use_sigmoid", True),
    "FocalLoss": None,
    "TverskyLoss": None,
}
_ONE_CLASS_STEPS = ("GenerateEdge",)
_BECAUSE = "labels.kind='multilabel'"


def fill_head(contract: Contract, path: str, head: Any, threshold: float) -> None:
    """Fill in the outputs and losses of a head, or report what contradicts them."""
    name = _last(head.get("type"))
    if not _head_can(str(head.get("type"))):
        contract.problem(
            f"{path}.type", f"{name} takes one class per pixel in its own loss; choose another head, such as FCNHead"
        )
        return
    count = head.get("num_classes")
    if head.get("out_channels") not in (None, count):
        given = head["out_channels"]
        contract.problem(f"{path}.out_channels", f"is {given}, but {_BECAUSE} has a logit for each of {count} classes")
    contract.agree(path, head, "multilabel", True, _BECAUSE)
    contract.agree(path, head, "threshold", threshold, "labels")
    if head.get("sampler") is not None:
        contract.problem(f"{path}.sampler", f"chooses pixels by their one class, which {_BECAUSE} has not; drop it")
    if not head.get("loss_decode"):
        head["loss_decode"] = {"type": "CrossEntropyLoss", "use_sigmoid": True}
    for at, loss in losses_of(head, path):
        name = _last(loss.get("type"))
        if name not in LOSSES:
            contract.problem(
                f"{at}.type", f"{name} takes one class per pixel; losses of multilabel data are {', '.join(LOSSES)}"
            )
        elif wanted := LOSSES[name]:
            contract.agree(at, loss, *wanted, _BECAUSE)


def check_values(contract: Contract, labels: Mapping[str, Any]) -> None:
    """Report what the mask of one class cannot mean."""
    if labels.get("offset"):
        contract.problem("labels.offset", "is 1, but in the mask of a class 0 means no; leave it out")
    wrong = {value: new for value, new in (labels.get("map") or {}).items() if new not in (0, 1, 255, -1)}
    if wrong:
        contract.problem("labels.map", f"{short(wrong)}: a value in the mask of a class means 0, 1, or 255 for unknown")


def check_dataset(contract: Contract, path: str, dataset: Any, several: bool) -> None:
    """Report a dataset of the other kind, and what a multilabel one cannot have."""
    name = _last(dataset.get("type"))
    if _dataset_has_several(str(dataset.get("type"))) != several:
        message = (
            f"{name} has one class per pixel; {_BECAUSE} needs MultilabelDataset"
            if several
            else f"{name} has several classes per pixel, but labels.kind is not 'multilabel'; say so"
        )
        contract.problem(f"{path}.type", message)
    if not several:
        return
    if dataset.get("reduce_zero_label"):
        contract.problem(f"{path}.reduce_zero_label", "is True, but 0 in the mask of a class means no; leave it out")
    for i, step in enumerate(dataset.get("pipeline") or ()):
        kind = _last(step.get("type")) if isinstance(step, Mapping) else ""
        if kind in _ONE_CLASS_STEPS:
            contract.problem(f"{path}.pipeline.{i}.type", f"{kind} needs one class per pixel; leave it out")


def check_evaluator(contract: Contract, path: str, evaluator: Any) -> None:
    """Report metrics that compare one class per pixel."""
    many = isinstance(evaluator, (list, tuple))
    for i, one in enumerate(evaluator if many else [evaluator]):
        name = _last(one.get("type")) if isinstance(one, Mapping) else "IoUMetric"
        if name != "IoUMetric":
            at = f"{path}.{i}" if many else path
            contract.problem(f"{at}.type", f"{name} takes one class per pixel; IoUMetric measures multilabel data")


def unspoken(cfg: Mapping[str, Any]) -> list[Problem]:
    """Parts of a multilabel model in a config that does not say ``labels``."""
    found = [
        (f"{path}.multilabel", "belongs to labels=dict(kind='multilabel'), which sets it together with the rest")
        for path, head in heads_of(cfg)
        if head.get("multilabel")
    ]
    for split in ("train", "val", "test"):
        node = (cfg.get(f"{split}_dataloader") or {}).get("dataset")
        for path, dataset in dataset_nodes(node, f"{split}_dataloader.dataset"):
            if _last(dataset.get("type")) == "MultilabelDataset":
                found.append((f"{path}.type", "needs labels=dict(kind='multilabel') in the config"))
    return [Problem(key, message, str(origin_of(cfg, key) or "")) for key, message in found]


def _last(name: Any) -> str:
    return str(name or "").rpartition(".")[2]


def _found(room: str, name: str) -> Any:
    """The class that a name stands for; None if there is no such class, which the planner reports."""
    try:
        found = find(room, name)
    except UnknownNameError:
        return None
    return found.func if isinstance(found, functools.partial) else found


def _head_can(name: str) -> bool:
    """Whether a head's loss treats each class by itself: the base's does, and those that say ``MULTILABEL``."""
    from segue.layers.decode_head import DecodeHead

    head = _found("heads", name)
    if head is None or getattr(head, "MULTILABEL", False):
        return True
    return isinstance(head, type) and issubclass(head, DecodeHead) and head.loss is DecodeHead.loss


def _dataset_has_several(name: str) -> bool:
    if _last(name) == "MultilabelDataset":
        return True
    return bool(getattr(_found("datasets", name), "MULTILABEL", False))
