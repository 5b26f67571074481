"""The label contract: one key says what labels are, and losses, outputs, datasets and predictions follow.

::

    labels = dict(kind="binary", ignore=11, offset=0, map={0: 0, 255: 1})

- ``kind="multiclass"``: each pixel has one class. One logit per class, softmax, the largest wins.
- ``kind="binary"``: background and foreground. One logit, sigmoid; foreground above ``threshold`` (0.5).
- ``kind="multilabel"``: any number of classes per pixel. One logit and sigmoid per class; those above ``threshold``.
- ``ignore``: the value of unlabeled pixels in the mask files. Samples, losses and metrics always use 255.
- ``offset``: the value of the first class in the files: 1 where 0 means unlabeled, else 0.
- ``map``: {value in the files: class id}; of multilabel masks, {value in the mask of a class: 0, 1, or 255}.

What the config leaves open is filled in. What it says otherwise is a contradiction, and all of them are reported
together: nothing that is written is overruled in silence.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from segue.config.builder.leaves import short
from segue.config.contract import Contract
from segue.config.multilabel import check_dataset, check_evaluator, check_values, fill_head, unspoken
from segue.config.nodes import dataset_nodes, heads_of, losses_of
from segue.errors import ConfigError, nearest
from segue.masks.labels import IGNORE

KINDS = ("binary", "multiclass", "multilabel")
KEYS = ("kind", "ignore", "offset", "map", "threshold")
#: Losses that can be made of one logit, with the argument that says so; None: they are anyway.
_BINARY_LOSSES: dict[str, tuple[str, Any] | None] = {
    "CrossEntropyLoss": ("use_sigmoid", True),
    "DiceLoss": ("use_sigmoid", True),
    "LovaszLoss": ("loss_type", "binary"),
    "FocalLoss": None,
}
_MULTICLASS_LOSSES = {
    "CrossEntropyLoss": ("use_sigmoid", False),
    "DiceLoss": ("use_sigmoid", False),
    "LovaszLoss": ("loss_type", "multi_class"),
}


def apply_labels(cfg: Mapping[str, Any]) -> Mapping[str, Any]:
    """The config with everything that follows from ``labels`` written out; the same object if it has no ``labels``.

    Doing it twice changes nothing.

    Raises:
        ConfigError: what ``labels`` has wrong, and what contradicts it.
    """
    labels = cfg.get("labels")
    if labels is None:
        if problems := unspoken(cfg):
            raise ConfigError(problems)
        return cfg
    contract = Labels(copy.deepcopy(cfg))
    contract.check_labels(labels)
    if not contract.problems:
        contract.apply(labels)
    if contract.problems:
        raise ConfigError(contract.problems)
    return contract.cfg


class Labels(Contract):
    """What ``labels`` asks of the heads, datasets and metrics of a config."""

    def check_labels(self, labels: Any) -> None:
        """Report what ``labels`` itself has wrong."""
        if not isinstance(labels, Mapping):
            self.problem("labels", f"expected a dict such as dict(kind='multiclass', ignore=255), not {short(labels)}")
            return
        for key in labels:
            if key not in KEYS:
                self.problem(f"labels.{key}", f"labels has no {key!r}{nearest(str(key), list(KEYS))}")
        kind = labels.get("kind")
        if kind is not None and kind not in KINDS:
            self.problem("labels.kind", f"there is no kind {kind!r}; there are: {', '.join(KINDS)}")
        if labels.get("offset") not in (None, 0, 1):
            self.problem(
                "labels.offset", f"is {labels['offset']!r}; 0, or 1 where classes start at 1. map covers the rest"
            )
        if labels.get("offset") == 1 and labels.get("ignore") not in (None, 0, IGNORE):
            self.problem("labels.ignore", f"is {labels['ignore']}, but offset=1 says that 0 is unlabeled")
        threshold = labels.get("threshold")
        if threshold is not None and kind not in ("binary", "multilabel"):
            self.problem("labels.threshold", "only kind='binary' and kind='multilabel' have one")
        elif threshold is not None and not (isinstance(threshold, (int, float)) and 0 < threshold < 1):
            self.problem("labels.threshold", f"is {threshold!r}; a probability between 0 and 1")
        if labels.get("map") is not None and not isinstance(labels["map"], Mapping):
            self.problem("labels.map", f"expected a dict such as {{0: 0, 255: 1}}, not {short(labels['map'])}")
        elif kind == "multilabel":
            check_values(self, labels)

    def apply(self, labels: Mapping[str, Any]) -> None:
        """Fill in what follows from it."""
        several = labels.get("kind") == "multilabel"
        for path, head in heads_of(self.cfg):
            if several:
                fill_head(self, path, head, labels.get("threshold", 0.5))
            elif labels.get("kind") == "binary":
                self.binary(path, head, labels.get("threshold", 0.5))
            elif labels.get("kind") == "multiclass":
                self.multiclass(path, head)
            if head.get("ignore_index", IGNORE) != IGNORE:
                self.problem(f"{path}.ignore_index", _IGNORED.format(given=head["ignore_index"]))
        for split in ("train", "val", "test"):
            evaluator = self.cfg.get(f"{split}_evaluator")
            if isinstance(evaluator, Mapping) and evaluator.get("ignore_index", IGNORE) != IGNORE:
                self.problem(f"{split}_evaluator.ignore_index", _IGNORED.format(given=evaluator["ignore_index"]))
            if several:
                check_evaluator(self, f"{split}_evaluator", evaluator)
            node = (self.cfg.get(f"{split}_dataloader") or {}).get("dataset")
            for path, dataset in dataset_nodes(node, f"{split}_dataloader.dataset"):
                check_dataset(self, path, dataset, several)
                self.dataset(path, dataset, labels)

    def binary(self, path: str, head: Any, threshold: float) -> None:
        """One logit, two classes, sigmoid losses."""
        if head.get("out_channels", 1) != 1:
            self.problem(f"{path}.out_channels", f"is {head['out_channels']}, but labels.kind='binary' has one logit")
        if head.get("num_classes", 2) != 2:
            number = head["num_classes"]
            self.problem(f"{path}.num_classes", f"is {number}; binary labels have 2 classes, background and foreground")
        head["out_channels"], head["num_classes"] = 1, 2
        self.agree(path, head, "threshold", threshold, "labels")
        if not head.get("loss_decode"):
            head["loss_decode"] = {"type": "CrossEntropyLoss", "use_sigmoid": True}
        for at, loss in losses_of(head, path):
            name = str(loss.get("type", "")).rpartition(".")[2]
            if name not in _BINARY_LOSSES:
                known = ", ".join(_BINARY_LOSSES)
                self.problem(f"{at}.type", f"{name} needs a logit per class; losses of binary labels are {known}")
            elif wanted := _BINARY_LOSSES[name]:
                self.agree(at, loss, *wanted, "labels.kind='binary'")

    def multiclass(self, path: str, head: Any) -> None:
        """A logit per class, softmax losses."""
        count = head.get("num_classes")
        if head.get("out_channels") not in (None, count):
            message = f"is {head['out_channels']}, but labels.kind='multiclass' has a logit for each of {count} classes"
            self.problem(f"{path}.out_channels", message)
        for at, loss in losses_of(head, path):
            wanted = _MULTICLASS_LOSSES.get(str(loss.get("type", "")).rpartition(".")[2])
            if wanted:
                self.agree(at, loss, *wanted, "labels.kind='multiclass'")

    def dataset(self, path: str, dataset: Any, labels: Mapping[str, Any]) -> None:
        """What the values of the files mean."""
        if labels.get("offset") is not None and labels.get("kind") != "multilabel":
            reduce = labels["offset"] == 1
            self.agree(path, dataset, "reduce_zero_label", reduce, f"labels.offset={labels['offset']}")
            for i, step in enumerate(dataset.get("pipeline") or ()):
                if isinstance(step, Mapping) and step.get("reduce_zero_label", reduce) not in (None, reduce):
                    message = f"is {step['reduce_zero_label']}, but labels.offset={labels['offset']}; leave it out here"
                    self.problem(f"{path}.pipeline.{i}.reduce_zero_label", message)
        if labels.get("ignore") is not None and not (labels.get("offset") == 1 and labels["ignore"] == 0):
            self.agree(path, dataset, "ignore_index", labels["ignore"], "labels")
        if labels.get("map") is not None:
            self.agree(path, dataset, "label_map", dict(labels["map"]), "labels.map")


_IGNORED = "is {given}; samples carry 255 where there is no label, so leave it out and say labels=dict(ignore={given})"
