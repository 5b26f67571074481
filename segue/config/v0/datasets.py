"""Datasets and loaders of mmseg 0.x: ``data=dict(samples_per_gpu=..., train=...)`` as three ``*_dataloader``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segue.config.marks import Mark, children
from segue.config.tree import ConfigDict
from segue.config.v0.ledger import Ledger, Old, derived
from segue.config.v0.pipelines import Pipeline, migrate_pipeline

#: 0.x base class -> its 1.x name. Only these lack a `reduce_zero_label` of their own.
BASES = {"CustomDataset": "BaseSegDataset"}
WRAPPERS = ("RepeatDataset", "ConcatDataset", "MultiImageMixDataset")
MOVES = {"img_dir": "data_prefix.img_path", "ann_dir": "data_prefix.seg_map_path", "split": "ann_file"}
LOADERS = ("train", "val", "test")


class DataReader:
    """Translates datasets and collects the pipelines it meets on the way."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.pipelines: dict[str, list[Pipeline]] = {name: [] for name in LOADERS}

    def dataset(self, node: Any, mark: Mark, path: str, split: str) -> ConfigDict:
        """A dataset's dict, or a list of them, as 1.x writes it."""
        if isinstance(node, (list, tuple)):
            marks = children(mark, len(node))
            parts = [
                self.dataset(part, at, f"{path}.{i}", split)
                for i, (part, at) in enumerate(zip(node, marks, strict=True))
            ]
            self.ledger.note(path, "translated", "ConcatDataset", mark)
            return derived(mark, type="ConcatDataset", datasets=parts)
        old = Old(node, path, self.ledger)
        if old.node.get("type") in WRAPPERS:
            return self.wrapper(old, split)
        lists = [key for key in MOVES if isinstance(old.node.get(key), (list, tuple))]
        if lists:
            return self.several(old, lists, split)
        return self.single(old, split)

    def each(self, nodes: Any, mark: Mark, path: str, split: str) -> list[ConfigDict]:
        """The datasets of a list."""
        marked = enumerate(zip(nodes, children(mark, len(nodes)), strict=True))
        return [self.dataset(node, at, f"{path}.{i}", split) for i, (node, at) in marked]

    def wrapper(self, old: Old, split: str) -> ConfigDict:
        """A dataset around others."""
        new = ConfigDict()
        for key in old.node:
            if key in ("dataset", "datasets"):
                value = old.node[key]
                if key == "dataset":
                    new.put(key, self.dataset(value, old.mark(key), old.at(key), split), old.mark(key))
                else:
                    new.put(key, self.each(value, old.mark(key), old.at(key), split), old.mark(key))
            elif key == "pipeline":
                self.pipeline(old, new, split)
            elif key == "separate_eval":
                old.drop(key, "several datasets are measured as one")
            else:
                old.move(key, new, key, to=old.at(key))
        return new

    def several(self, old: Old, lists: list[str], split: str) -> ConfigDict:
        """Folders or splits given as lists: one dataset for each position."""
        count = max(len(old.node[key]) for key in lists)
        parts = []
        for index in range(count):
            node = old.node.copy()
            for key in lists:
                values = old.node[key]
                node.put(key, values[min(index, len(values) - 1)], children(old.mark(key), len(values))[0])
            ledger = self.ledger if index == 0 else Ledger()
            parts.append(self._into(ledger).single(Old(node, old.path, ledger), split))
        self.ledger.note(", ".join(old.at(key) for key in lists), "translated", "ConcatDataset", old.mark(lists[0]))
        return derived(old.mark(lists[0]), type="ConcatDataset", datasets=parts)

    def _into(self, ledger: Ledger) -> DataReader:
        """This reader, noting into another ledger."""
        other = DataReader(ledger)
        other.pipelines = self.pipelines
        return other

    def single(self, old: Old, split: str) -> ConfigDict:
        """One dataset."""
        new = ConfigDict()
        kind = old.node.get("type")
        name = kind.removeprefix("mmseg.") if isinstance(kind, str) else ""
        new.put("type", BASES.get(name, kind), old.mark("type"))
        old.ledger.note(old.at("type"), "translated" if name in BASES else "used", str(new["type"]), old.mark("type"))
        old.seen.add("type")
        old.move("data_root", new, "data_root", to=old.at("data_root"))
        prefix = ConfigDict()
        old.move("img_dir", prefix, "img_path", to="data_prefix.img_path")
        old.move("ann_dir", prefix, "seg_map_path", to="data_prefix.seg_map_path")
        if prefix:
            new.put("data_prefix", prefix, old.mark("img_dir"))
        if old.node.get("split"):
            old.move("split", new, "ann_file")
        else:
            old.drop("split", "empty")
        metainfo = ConfigDict()
        for key in ("classes", "palette"):
            if old.node.get(key) is not None:
                old.move(key, metainfo, key, to=f"metainfo.{key}")
            else:
                old.drop(key, "empty")
        if metainfo:
            new.put("metainfo", metainfo, next(iter(metainfo._marks.values()), None))
        old.drop("file_client_args", "only the local disk is read")
        old.drop("gt_seg_map_loader_cfg", "LoadAnnotations of the pipeline reads the labels")
        for key in old.rest():
            if key != "pipeline":
                old.move(key, new, key, to=old.at(key))
        steps = self.pipeline(old, new, split)
        zero = next((s for s in steps if s.get("reduce_zero_label") is not None), None)
        if name in BASES and zero is not None and "reduce_zero_label" not in new:
            new.put("reduce_zero_label", zero["reduce_zero_label"], zero._marks.get("reduce_zero_label"))
        return new

    def pipeline(self, old: Old, new: ConfigDict, split: str) -> list[ConfigDict]:
        """Translate the pipeline of a dataset into ``new``."""
        if "pipeline" not in old:
            return []
        old.seen.add("pipeline")
        steps = old.node["pipeline"]
        done = migrate_pipeline(steps, old.mark("pipeline"), old.at("pipeline"), self.ledger, train=split == "train")
        self.pipelines[split].append(done)
        new.put("pipeline", done.steps, done.mark)
        return done.steps


def migrate_loaders(old: Old, out: ConfigDict, reader: DataReader, *, by_epoch: bool) -> None:
    """``data`` as ``train_dataloader``, ``val_dataloader`` and ``test_dataloader``."""
    shared = {key for key in old.node if key in ("shuffle", "drop_last", "pin_memory", "persistent_workers")}
    for split in LOADERS:
        if not old.node.get(split):
            old.seen.add(split)
            continue
        loader = ConfigDict()
        own = old.node.get(f"{split}_dataloader") or ConfigDict()
        special = Old(own, old.at(f"{split}_dataloader"), old.ledger)
        batch, at = old.node.get("samples_per_gpu"), old.mark("samples_per_gpu")
        if "samples_per_gpu" in special:
            special.move("samples_per_gpu", loader, "batch_size", to=f"{split}_dataloader.batch_size")
        elif split == "train":
            loader.put("batch_size", batch if batch is not None else 1, at)
        else:
            loader.put("batch_size", 1, None)
        if "workers_per_gpu" in special:
            special.move("workers_per_gpu", loader, "num_workers", to=f"{split}_dataloader.num_workers")
        else:
            workers = old.node.get("workers_per_gpu")
            loader.put("num_workers", 0 if workers is None else workers, old.mark("workers_per_gpu"))
        for key in ("persistent_workers", "pin_memory", "drop_last"):
            source = special if key in special else old if key in shared else None
            if source is not None and (split == "train" or source is special):
                source.move(key, loader, key, to=f"{split}_dataloader.{key}")
        if "persistent_workers" not in loader:
            loader["persistent_workers"] = bool(loader["num_workers"])
        shuffle = split == "train" if "shuffle" not in special else special.take("shuffle", "sampler.shuffle")
        infinite = split == "train" and not by_epoch
        loader["sampler"] = {"type": "InfiniteSampler" if infinite else "DefaultSampler", "shuffle": shuffle}
        if split == "train" and by_epoch and "drop_last" not in loader:
            loader["drop_last"] = True  # as 0.x did
        for key in special.rest():
            special.drop(key, "has no counterpart")
        old.seen |= {split, f"{split}_dataloader"}
        node, mark = old.node[split], old.mark(split)
        loader.put("dataset", reader.dataset(node, mark, old.at(split), split), mark)
        out.put(f"{split}_dataloader", loader, mark)
    old.take("samples_per_gpu", "train_dataloader.batch_size")
    old.take("workers_per_gpu", "*_dataloader.num_workers")
    old.seen |= shared
    for key in old.rest():
        old.drop(key, "has no counterpart")


def pipeline_variable(node: Any, mark: Mark, name: str) -> Pipeline | None:
    """A top-level variable that is a pipeline, translated; None for anything else."""
    steps = isinstance(node, list) and node and all(isinstance(step, Mapping) and "type" in step for step in node)
    if not steps or "pipeline" not in name:
        return None
    return migrate_pipeline(node, mark, name, Ledger(), train="train" in name)
