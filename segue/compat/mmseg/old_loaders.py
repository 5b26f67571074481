"""``build_dataset`` and ``build_dataloader`` of mmseg 0.x, for scripts that test or train in a loop of their own.

A batch is 0.x's: ``img`` normalized, ``img_metas``, and ``gt_semantic_seg`` where labels are loaded, in DataContainers
as `segue.compat.mmcv.parallel` takes them. What the pipeline of 0.x said about normalization is done when batches are
made, since Segue's pipelines leave it to the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch.utils.data import DataLoader, DistributedSampler, RandomSampler

from segue.compat.mmcv.parallel import DataContainer
from segue.compat.mmengine.registry import DATASETS
from segue.compat.mmengine.structures import from_segue
from segue.compat.mmseg.old_metas import old_meta
from segue.compat.mmseg.preprocessors import SegDataPreProcessor
from segue.config.v0 import migrate_dataset
from segue.config.v0.pipelines import Pipeline
from segue.types import SegSample


@dataclass
class OldFormat:
    """How 0.x's batches of a dataset look.

    Attributes:
        preprocessor: arguments of ``SegDataPreProcessor``.
        train: with labels, padded to one size.
    """

    preprocessor: dict[str, Any] = field(default_factory=dict)
    train: bool = False

    def batch(self, samples: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Samples as 0.x's loaders put them together."""
        prepare = SegDataPreProcessor(**self.preprocessor)
        if self.train:
            inputs, found = _prepared(prepare, samples, True)
            labels = torch.stack([sample.gt_sem_seg.data for sample in found]).long()
            return {
                "img_metas": DataContainer([self.metas(found)], cpu_only=True),
                "img": DataContainer([inputs], stack=True),
                "gt_semantic_seg": DataContainer([labels], stack=True),
            }
        batch: dict[str, Any] = {"img_metas": [], "img": []}
        for view in zip(*(_views(sample) for sample in samples), strict=True):
            inputs, found = _prepared(prepare, view, False)
            batch["img"].append(inputs)
            batch["img_metas"].append(DataContainer([self.metas(found)], cpu_only=True))
        return batch

    def metas(self, samples: Sequence[Any]) -> list[dict[str, Any]]:
        """Notes with the names of 0.x beside those of 1.x; shapes have the channels, too."""
        norm = {"mean": self.preprocessor.get("mean"), "std": self.preprocessor.get("std")}
        norm["to_rgb"] = bool(self.preprocessor.get("bgr_to_rgb"))
        return [{**old_meta(sample.metainfo), "img_norm_cfg": norm} for sample in samples]


def _views(sample: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The views of a sample for test-time augmentation; one where there is none."""
    if not isinstance(sample["inputs"], (list, tuple)):
        return [dict(sample)]
    pairs = zip(sample["inputs"], sample["data_samples"], strict=True)
    return [{"inputs": inputs, "data_samples": about} for inputs, about in pairs]


def _prepared(prepare: SegDataPreProcessor, samples: Sequence[Mapping[str, Any]], training: bool) -> tuple[Any, Any]:
    batch = {key: [sample[key] for sample in samples] for key in ("inputs", "data_samples")}
    made = prepare(batch, training)
    found = made["data_samples"]
    return made["inputs"], [from_segue(each) if isinstance(each, SegSample) else each for each in found]


def format_of(pipelines: Sequence[Pipeline], train: bool) -> OldFormat:
    """What the pipelines of a dataset said about normalization and padding."""
    given: dict[str, Any] = {}
    for pipeline in pipelines:
        given |= dict(pipeline.preprocessor)
    if not train:  # as 1.x: padding is for training, where images become a batch
        given = {key: value for key, value in given.items() if key in ("mean", "std", "bgr_to_rgb")}
    return OldFormat(given, train)


def build_dataset(cfg: Any, default_args: Mapping[str, Any] | None = None) -> Any:
    """The dataset of a dict, or of a list of dicts, of 0.x or 1.x."""
    from segue.config.awaited import settle
    from segue.config.builder.register import registered

    if default_args and isinstance(cfg, Mapping):
        cfg = {**cfg, **default_args}
    old = ("img_dir", "ann_dir", "split", "classes")
    text = repr(cfg)
    form = None
    if isinstance(cfg, Sequence) or any(f"'{key}'" in text for key in old) or "'DefaultFormatBundle'" in text:
        train = "'DefaultFormatBundle'" in text
        pipelines: list[Pipeline] = []
        cfg = migrate_dataset(cfg, train=train, pipelines=pipelines)
        form = format_of(pipelines, train)
        augmented = next((pipeline.augmented for pipeline in pipelines if pipeline.augmented), None)
        if augmented and "pipeline" in cfg:
            cfg["pipeline"] = augmented
    kind = cfg.get("type")
    if isinstance(kind, str):
        settle(kind)
    if isinstance(kind, str) and kind in registered:
        made = registered[kind](**{k: v for k, v in cfg.items() if k not in ("type", "_scope_")})
    else:
        made = DATASETS.build(cfg)
    made.old_format = form
    return made


def build_dataloader(
    dataset: Any,
    samples_per_gpu: int,
    workers_per_gpu: int,
    num_gpus: int = 1,
    dist: bool = True,
    shuffle: bool = True,
    seed: int | None = None,
    drop_last: bool = False,
    pin_memory: bool = True,
    persistent_workers: bool = True,
    **kwargs: Any,
) -> Any:
    """A DataLoader of 0.x's batches, of a dataset that `build_dataset` made of a 0.x dict.

    Args:
        dataset: the dataset.
        samples_per_gpu, workers_per_gpu: of a process.
        num_gpus: of a process without ``dist``; one, since `MMDataParallel` takes one.
        dist: whether each process has its part, where there are several.
        shuffle, seed, drop_last: of the order.
        pin_memory, persistent_workers, kwargs: torch's.

    Raises:
        ValueError: several devices, or a dataset of 1.x.
    """
    if num_gpus > 1:
        raise ValueError("num_gpus: several devices in one process are not offered; start a process for each")
    form = getattr(dataset, "old_format", None)
    if form is None:
        raise ValueError(
            "build_dataloader: the dataset was not made by build_dataset of a 0.x dict; for one of 1.x use "
            "Runner.build_dataloader(cfg.test_dataloader)"
        )
    several = dist and torch.distributed.is_available() and torch.distributed.is_initialized()
    generator = torch.Generator().manual_seed(seed) if seed is not None else None
    sampler: Any = None
    if several:
        sampler = DistributedSampler(dataset, shuffle=shuffle, seed=seed or 0)
    elif shuffle:
        sampler = RandomSampler(dataset, generator=generator)
    if not workers_per_gpu:
        persistent_workers = False
        kwargs.pop("prefetch_factor", None)
    return DataLoader(
        dataset,
        batch_size=samples_per_gpu,
        sampler=sampler,
        num_workers=workers_per_gpu,
        collate_fn=partial(OldFormat.batch, form),
        pin_memory=pin_memory and torch.cuda.is_available(),
        drop_last=drop_last,
        persistent_workers=persistent_workers,
        **kwargs,
    )
