"""mmengine's BaseMetric: a user's ``process`` and ``compute_metrics`` fed by Segue's evaluation."""

from __future__ import annotations

import os
from abc import ABCMeta, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from segue.compat.mmengine.structures import PixelData, SegDataSample
from segue.compat.overrides import Guarded
from segue.compat.refusals import entrance
from segue.images.read import write_png
from segue.masks.decode import read_mask
from segue.metrics.depth import DepthMetric as DepthHouse
from segue.metrics.iou import IoUMetric as House


class BaseMetric(Guarded, metaclass=ABCMeta):
    """A metric that collects ``self.results`` in ``process`` and sums them up in ``compute_metrics``."""

    takes_config = True
    stands_for: ClassVar = ("metrics", "BaseMetric")
    default_prefix: str | None = None

    def __init__(self, collect_device: str = "cpu", prefix: str | None = None, collect_dir: str | None = None) -> None:
        self.collect_device, self.collect_dir = collect_device, collect_dir
        self.prefix = prefix or self.default_prefix
        self.results: list[Any] = []
        self._dataset_meta: dict[str, Any] | None = None

    @property
    def dataset_meta(self) -> dict[str, Any] | None:
        """The dataset's classes, palette and so on."""
        return self._dataset_meta

    @dataset_meta.setter
    def dataset_meta(self, value: dict[str, Any]) -> None:
        self._dataset_meta = value

    @abstractmethod
    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        """Add what a batch of predictions contributes to ``self.results``."""

    @abstractmethod
    def compute_metrics(self, results: list[Any]) -> dict[str, Any]:
        """The metrics of all results."""

    def evaluate(self, size: int) -> dict[str, Any]:
        """The metrics with their prefix; the results are forgotten."""
        found = self.compute_metrics(self.results[:size])
        self.results.clear()
        return {f"{self.prefix}/{name}" if self.prefix else name: value for name, value in found.items()}

    # what Segue's evaluation asks for

    def set_dataset(self, metainfo: Mapping[str, Any]) -> None:
        """Take the dataset's notes."""
        self.dataset_meta = dict(metainfo)

    def reset(self) -> None:
        """Forget all images."""
        self.results.clear()

    def update(self, pred: Tensor, label: Tensor | None, meta: Mapping[str, Any] | None = None) -> None:
        """Pass one image to ``process``, as mmseg does: one dict per sample."""
        what = "depth_map" if label is not None and label.is_floating_point() else "sem_seg"
        sample = SegDataSample(metainfo=dict(meta or {}))
        setattr(sample, f"pred_{what}", PixelData(data=pred))
        if label is not None:
            setattr(sample, f"gt_{what}", PixelData(data=label))
        self.process({"inputs": [], "data_samples": [sample]}, [_as_dict(sample)])

    def compute(self) -> dict[str, Any]:
        """The metrics."""
        return self.evaluate(len(self.results))

    def table(self) -> list[dict[str, Any]]:
        """No table of classes."""
        return []

    def state(self) -> dict[str, Tensor]:
        """Gather the results of all processes; there are no sums to add."""
        gathered: list[Any] = [None] * torch.distributed.get_world_size()
        torch.distributed.all_gather_object(gathered, self.results)
        self.results = [item for part in gathered for item in part]
        return {}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Nothing: ``state`` has gathered already."""


def _as_dict(sample: SegDataSample) -> dict[str, Any]:
    return {key: dict(value.items()) if isinstance(value, PixelData) else value for key, value in sample.all_items()}


class IoUMetric(BaseMetric):
    """mmseg's, for subclasses: per-image areas are the results."""

    stands_for: ClassVar = ("metrics", "IoUMetric")

    def __init__(
        self,
        ignore_index: int = 255,
        iou_metrics: Sequence[str] = ("mIoU",),
        nan_to_num: float | None = None,
        beta: int = 1,
        collect_device: str = "cpu",
        output_dir: str | None = None,
        format_only: bool = False,
        prefix: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.ignore_index, self.metrics, self.nan_to_num, self.beta = ignore_index, list(iou_metrics), nan_to_num, beta
        self.output_dir, self.format_only = output_dir, format_only
        if output_dir:
            os.makedirs(output_dir, exist_ok=True)

    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        """Count the areas of each image, and write its predicted labels to ``output_dir``."""
        assert self.dataset_meta is not None
        count = len(self.dataset_meta["classes"])
        for sample in data_samples:
            pred = sample["pred_sem_seg"]["data"].squeeze()
            if not self.format_only:
                label = sample["gt_sem_seg"]["data"].squeeze().to(pred)
                self.results.append(self.intersect_and_union(pred, label, count, self.ignore_index))
            if self.output_dir:
                name = os.path.splitext(os.path.basename(sample["img_path"]))[0]
                labels = pred.cpu().numpy() + int(bool(sample.get("reduce_zero_label")))  # as the files have them
                write_png(Path(self.output_dir) / f"{name}.png", labels.astype(np.uint8 if count < 256 else np.uint16))

    @staticmethod
    def intersect_and_union(pred_label: Tensor, label: Tensor, num_classes: int, ignore_index: int) -> Any:
        """Areas per class: both, either, predicted, labeled."""
        keep = label != ignore_index
        pred, truth = pred_label[keep].long(), label[keep].long()
        inside = torch.bincount(pred[pred == truth], minlength=num_classes)[:num_classes].cpu()
        predicted = torch.bincount(pred, minlength=num_classes)[:num_classes].cpu()
        labeled = torch.bincount(truth, minlength=num_classes)[:num_classes].cpu()
        return tuple(area.float() for area in (inside, predicted + labeled - inside, predicted, labeled))

    @classmethod
    @entrance
    def total_area_to_metrics(
        cls,
        total_area_intersect: Tensor,
        total_area_union: Tensor,
        total_area_pred_label: Tensor,
        total_area_label: Tensor,
        metrics: Sequence[str] = ("mIoU",),
        nan_to_num: float | None = None,
        beta: int = 1,
    ) -> dict[str, Any]:
        """``aAcc``, and ``IoU``, ``Acc`` ... of each class, between 0 and 1, from areas (classes,)."""
        metric = House(iou_metrics=list(metrics), nan_to_num=nan_to_num, beta=beta)
        metric.set_dataset({"classes": [str(i) for i in range(len(total_area_label))]})
        metric._areas = torch.stack([total_area_intersect, total_area_pred_label, total_area_label]).long()
        return {"aAcc": metric._all_accuracy(), **metric._per_class()}

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        """Means over the classes, in percent; nothing where images are only written."""
        if self.format_only:
            return {}
        areas = [sum(parts) for parts in zip(*results, strict=True)]
        both, either, predicted, labeled = areas
        found = self.total_area_to_metrics(
            both,
            either,
            predicted,
            labeled,
            self.metrics,
            self.nan_to_num,
            self.beta,  # type: ignore[arg-type]
        )
        return {key if key == "aAcc" else f"m{key}": _percent(value) for key, value in found.items()}


class DepthMetric(BaseMetric):
    """mmseg's, for subclasses: sums of measures of an image are its result."""

    stands_for: ClassVar = ("metrics", "DepthMetric")

    def __init__(
        self,
        depth_metrics: Sequence[str] | None = None,
        min_depth_eval: float = 0.0,
        max_depth_eval: float = float("inf"),
        crop_type: str | None = None,
        depth_scale_factor: float = 1.0,
        collect_device: str = "cpu",
        output_dir: str | None = None,
        format_only: bool = False,
        prefix: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.house = DepthHouse(
            depth_metrics=depth_metrics,
            min_depth_eval=min_depth_eval,
            max_depth_eval=max_depth_eval,
            crop_type=crop_type,
            depth_scale_factor=depth_scale_factor,
            output_dir=output_dir,
            format_only=format_only,
        )
        self.metrics, self.crop_type = tuple(self.house.metrics), crop_type
        self.min_depth_eval, self.max_depth_eval = min_depth_eval, max_depth_eval
        self.output_dir, self.format_only, self.depth_scale_factor = output_dir, format_only, depth_scale_factor

    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        """Measure each image."""
        for sample in data_samples:
            truth = sample.get("gt_depth_map")
            label = None if truth is None else truth["data"].squeeze().float()
            self.house.reset()
            self.house.update(sample["pred_depth_map"]["data"].squeeze().float(), label, sample)
            if not self.format_only:
                self.results.append(self.house.state()["sums"])

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        """The means over the images."""
        if self.format_only:
            return {}
        self.house.load({"sums": torch.stack([*results, torch.zeros_like(self.house.state()["sums"])]).sum(0)})
        return self.house.compute()


def _percent(values: Any) -> float:
    """The mean of those that are numbers, in percent."""
    known = np.asarray(values, float)
    known = known[~np.isnan(known)]
    return float(np.round(known.mean() * 100, 2)) if known.size else float("nan")


class Evaluator:
    """Several metrics together."""

    def __init__(self, metrics: Any) -> None:
        from segue.compat.mmengine.registry import METRICS

        self._dataset_meta: dict[str, Any] | None = None
        given = metrics if isinstance(metrics, Sequence) else [metrics]
        self.metrics = [METRICS.build(m) if isinstance(m, Mapping) else m for m in given]

    @property
    def dataset_meta(self) -> dict[str, Any] | None:
        """The dataset's notes, which every metric gets."""
        return self._dataset_meta

    @dataset_meta.setter
    def dataset_meta(self, value: dict[str, Any]) -> None:
        self._dataset_meta = value
        for metric in self.metrics:
            metric.dataset_meta = value

    def process(self, data_samples: Sequence[Any], data_batch: Any = None) -> None:
        """Pass a batch to every metric."""
        as_dicts = [_as_dict(s) if isinstance(s, SegDataSample) else s for s in data_samples]
        for metric in self.metrics:
            metric.process(data_batch, as_dicts)

    def evaluate(self, size: int) -> dict[str, Any]:
        """All metrics."""
        return {name: value for metric in self.metrics for name, value in metric.evaluate(size).items()}


def intersect_and_union(
    pred: Any, label: Any, num_classes: int, ignore_index: int, label_map: Any = None, reduce_zero_label: bool = False
) -> Any:
    """Areas per class of two label maps, or of their files (.npy, and an image) (0.x)."""
    labels = np.load(pred) if isinstance(pred, str) else np.asarray(pred)
    truth = np.array(read_mask(label) if isinstance(label, str) else label)
    given = truth.copy()
    for old, new in (label_map or {}).items():
        truth[given == old] = new
    if reduce_zero_label:
        truth = np.where((truth == 0) | (truth == 255), 255, truth.astype(np.int64) - 1)
    return IoUMetric.intersect_and_union(torch.as_tensor(labels), torch.as_tensor(truth), num_classes, ignore_index)
