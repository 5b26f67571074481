"""The model of a 0.x config: the same dict, with a ``data_preprocessor``, and three things that moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segue.config.tree import ConfigDict
from segue.config.v0.ledger import Ledger, Old, derived
from segue.config.v0.pipelines import Pipeline

#: arguments of the 0.x DiceLoss, whose formula was another
OLD_DICE = ("smooth", "exponent", "class_weight")


def data_preprocessor(pipelines: Mapping[str, list[Pipeline]], ledger: Ledger) -> ConfigDict | None:
    """What the pipelines said about normalization and padding; None where there are no pipelines."""
    found = [done for split in ("train", "val", "test") for done in pipelines[split]]
    if not found:
        return None
    first = next((done.preprocessor for done in found if "mean" in done.preprocessor), found[0].preprocessor)
    for done in found:
        other = done.preprocessor
        if "mean" in other and any(other[key] != first[key] for key in ("mean", "std", "bgr_to_rgb")):
            ledger.problem(
                "data", "the pipelines normalize differently; the model does it now, in one way: make Normalize equal",
                other._marks.get("mean"),
            )  # fmt: skip
    new = derived(first._marks.get("mean"), type="SegDataPreProcessor")
    for key in ("mean", "std", "bgr_to_rgb"):
        if key in first:
            new.put(key, first[key], first._marks.get(key))
    if "mean" not in first:
        ledger.note("data.*.pipeline", "ignored", "no Normalize: the model gets the values as they are stored")
    train = next((done.preprocessor for done in pipelines["train"]), ConfigDict())
    for key, default in (("pad_val", 0), ("seg_pad_val", 255)):
        new.put(key, train.get(key, default), train._marks.get(key))
    for key in ("size", "size_divisor"):
        if key in train:
            new.put(key, train[key], train._marks.get(key))
    test = next((done.preprocessor for split in ("test", "val") for done in pipelines[split]), ConfigDict())
    padding = ConfigDict()
    for key in ("size", "size_divisor"):
        if key in test:
            padding.put(key, test[key], test._marks.get(key))
    if padding:
        new.put("test_cfg", padding, next(iter(padding._marks.values()), None))
    return new


def migrate_model(model: Any, top: Old, preprocessor: ConfigDict | None, ledger: Ledger) -> None:
    """Bring a 0.x model section up to date, in place."""
    if preprocessor is not None:
        model.put("data_preprocessor", preprocessor, preprocessor._marks.get("type"))
    for key in ("train_cfg", "test_cfg"):  # before 0.11 they stood beside the model; in 1.x these names are loops
        if key in top and not (isinstance(top.node[key], Mapping) and "type" in top.node[key]):
            if model.get(key) is None and top.node[key] is not None:
                top.move(key, model, key, to=f"model.{key}")
            else:
                top.drop(key, f"model.{key} says it")
    _walk(model, "model", ledger)


def _walk(node: Any, path: str, ledger: Ledger) -> None:
    if isinstance(node, (list, tuple)):
        for index, item in enumerate(node):
            _walk(item, f"{path}.{index}", ledger)
    if not isinstance(node, ConfigDict):
        return
    kind = node.get("type")
    if isinstance(kind, str) and kind.startswith("mmcls."):
        ledger.note(f"{path}.type", "translated", kind.replace("mmcls.", "mmpretrain."), node._marks.get("type"))
        node.put("type", kind.replace("mmcls.", "mmpretrain."), node._marks.get("type"))
    if kind == "DiceLoss":
        for key in OLD_DICE:
            if key in node:
                ledger.note(f"{path}.{key}", "ignored", "DiceLoss has another formula now", node._marks.get(key))
                node.pop(key)
    for key, value in list(node.items()):
        _walk(value, f"{path}.{key}", ledger)
