"""The config of a fold: its training images are those of the other folds, its validation images those of the fold."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from segue.config import Config
from segue.config.nodes import dataset_nodes
from segue.errors import ConfigError, InputError, Problem
from segue.inference.predictor import pipeline_node
from segue.recipes.folder.splitting import groups_of
from segue.training.series.folds import Fold, Folds, folds_of
from segue.training.series.samples import Samples, samples_of

TRAIN, VAL = "train_dataloader", "val_dataloader"


def divided(cfg: Config, count: int, folder: Path, console: Console | None = None) -> tuple[Samples, Folds]:
    """The images of a config, and their folds.

    They are those of ``train_dataloader``. Where a folder without a split was divided for training, those kept for
    validation belong to them, and what belongs together by its names stays so, as in that split.

    Raises:
        SegueError: see `samples_of` and `folds_of`.
    """
    if not isinstance(cfg.get(TRAIN), Mapping) or not any(dataset_nodes(cfg[TRAIN].get("dataset"), "")):
        raise ConfigError(Problem(f"{TRAIN}.dataset", "folds are made of the training data, which is missing"))
    own = split_here(cfg, folder)
    samples = samples_of(cfg, [TRAIN, VAL] if own else [TRAIN], console)
    how, groups = groups_of(samples.names) if own else ("", {})
    together = count <= len(groups) < len(samples.names)
    if together and not samples.groups:
        samples.groups = {name: group for group, names in groups.items() for name in names}
    folds = folds_of(samples, count, folder)
    return samples, replace(folds, said=(*folds.said, f"What belongs together stays so: {how}")) if together else folds


def split_here(cfg: Mapping[str, Any], folder: Path) -> bool:
    """Whether the validation images are a share of the training folder that Segue has kept for it: the config's lists
    lie in the work folder (`segue.recipes.folder.splitting`).
    """
    for key, ending in ((TRAIN, "_train.txt"), (VAL, "_val.txt")):
        node = (cfg.get(key) or {}).get("dataset")
        split = node.get("split") if isinstance(node, Mapping) else None
        if not isinstance(split, str) or not split.endswith(ending):
            return False
        if Path(split).resolve().parent != folder.resolve():
            return False
    return True


def with_fold(cfg: Config, fold: Fold, samples: Samples, folds: Folds) -> tuple[Config, list[str]]:
    """The config of one fold, and lines that say what it trains and validates on.

    Wrappers (RepeatDataset, ConcatDataset, ClassBalancedDataset, MultiImageMixDataset, and others with ``dataset`` or
    ``datasets``) keep their place around what is trained on, each dataset inside with ``indices``. What is validated on
    has the pipeline of validation and no wrappers: every image once.

    Raises:
        ConfigError: there is no pipeline to validate with.
    """
    held = set(folds.names[fold.index - 1])
    kept: dict[str, list[int]] = {}
    out: dict[str, list[int]] = {}
    for leaf in samples.leaves:
        pairs = list(zip(leaf.names, leaf.positions, strict=True))
        kept[leaf.key] = [position for name, position in pairs if name not in held]
        out[leaf.key] = [position for name, position in pairs if name in held]
    changed = copy.deepcopy(cfg)
    node, more = changed[TRAIN]["dataset"], [leaf.key for leaf in samples.leaves if leaf.key.startswith(VAL)]
    trained = _trained(node, f"{TRAIN}.dataset", kept)
    validated = _validated(changed, out)
    if more:  # kept for validation by Segue itself: trained on as the others are
        pipeline = node.get("pipeline")
        own = [_chosen({**changed[VAL]["dataset"], "pipeline": pipeline}, kept[key]) for key in more if kept[key]]
        trained = _joined([*([trained] if trained is not None else []), *own])
    assert trained is not None, "a fold has images, and so have the others"
    changed[TRAIN]["dataset"] = trained
    loader = changed.get(VAL) or {"batch_size": 1, "num_workers": changed[TRAIN].get("num_workers", 0)}
    loader = {**loader, "sampler": loader.get("sampler") or {"type": "DefaultSampler", "shuffle": False}}
    before = (cfg.get(VAL) or {}).get("dataset")
    changed[VAL] = {**loader, "dataset": validated}
    if not changed.get("val_evaluator"):
        changed["val_evaluator"] = copy.deepcopy(changed.get("test_evaluator")) or {"type": "IoUMetric"}
    if not changed.get("val_cfg"):
        changed["val_cfg"] = {"type": "ValLoop"}
    count = len({name for leaf in samples.leaves for name in leaf.names})
    said = [f"Fold {fold.index} of {fold.count}: {count - len(held)} images to train on, {len(held)} for validation"]
    if before is not None and not more:
        said.append("Validation is the fold: val_dataloader's own images are not used. test_dataloader stays as it is")
    return changed, said


def _trained(node: Any, key: str, kept: Mapping[str, Sequence[int]]) -> Any:
    """A dataset, of any depth, of the samples that are trained on; None where none are left of it."""
    if isinstance(node, (list, tuple)):
        parts = [_trained(item, f"{key}.{i}", kept) for i, item in enumerate(node)]
        return [part for part in parts if part is not None] or None
    inner = "datasets" if node.get("datasets") else "dataset"  # as `segue.config.nodes.dataset_nodes` looks for them
    if node.get("datasets") or isinstance(node.get("dataset"), Mapping):
        part = _trained(node[inner], f"{key}.{inner}", kept)
        return None if part is None else {**node, inner: part}
    return _chosen(node, kept[key]) if kept[key] else None


def _validated(cfg: Config, out: Mapping[str, Sequence[int]]) -> Any:
    """The dataset of the images that are validated on."""
    pipeline = next((node["pipeline"] for _, node in _nodes(cfg, VAL) if node.get("pipeline")), None)
    pipeline = pipeline or pipeline_node(cfg)[1]
    if not pipeline:
        message = "a fold is validated with val_dataloader's pipeline, or test_pipeline; the config has neither"
        raise ConfigError(Problem(f"{VAL}.dataset.pipeline", message))
    parts: list[Any] = []
    for key, node in [*_nodes(cfg, TRAIN), *_nodes(cfg, VAL)]:
        if out.get(key):
            part = _chosen({**node, "pipeline": copy.deepcopy(pipeline)}, out[key])
            parts += [part] if part not in parts else []
    top = cfg[TRAIN]["dataset"]
    ignored = top.get("ignore_keys") if isinstance(top, Mapping) else None
    return _joined(parts, ignored)


def _nodes(cfg: Config, key: str) -> list[tuple[str, Any]]:
    loader = cfg.get(key) or {}
    return list(dataset_nodes(loader.get("dataset"), f"{key}.dataset"))


def _chosen(node: Mapping[str, Any], indices: Sequence[int]) -> dict[str, Any]:
    return {**node, "indices": list(indices)}


def _joined(parts: Sequence[Any], ignored: Any = None) -> Any:
    """One dataset of several."""
    if not parts:
        raise InputError("the fold has no image that is validated on")
    if len(parts) == 1:
        return parts[0]
    return {"type": "ConcatDataset", "datasets": list(parts), **({"ignore_keys": ignored} if ignored else {})}
