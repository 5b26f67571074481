"""IoUMetric: overlap of predicted and labeled areas, summed over a dataset.

With the areas I (both), P (predicted) and L (labeled) of a class: IoU = I / (P + L - I), Acc = Recall = I / L,
Precision = I / P, Dice = 2 I / (P + L), Fscore = (1 + b^2) Precision Recall / (b^2 Precision + Recall).

Where a pixel may have several classes, each class is a binary map with areas of its own, over the pixels where it is
known; aAcc is the share of all these decisions that are right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from segue.errors import InputError, LabelError
from segue.images.read import Array, write_png
from segue.masks.labels import IGNORE, find_mistake
from segue.masks.pairs import count_pairs

#: Columns that each requested metric adds, as the reference names them.
_COLUMNS = {"mIoU": ("IoU", "Acc"), "mDice": ("Dice", "Acc"), "mFscore": ("Fscore", "Precision", "Recall")}


class IoUMetric:
    """Areas per class as int64 sums: memory does not grow with the number of images.

    Call `set_dataset` before the first update. Values are percentages rounded to two decimals. A class that is neither
    predicted nor labeled anywhere has no value (nan) and does not count in the means.

    Args:
        ignore_index: label of pixels that do not count; 255, which Segue's datasets use, never counts.
        iou_metrics: any of ``mIoU``, ``mDice``, ``mFscore``.
        nan_to_num: number to take for classes without a value.
        beta: weight of recall in the F-score.
        collect_device: accepted for mmseg configs; sums are kept on the CPU.
        output_dir: folder for predicted labels as PNG, one per image, with the ids of the dataset's files (plus one
            under ``reduce_zero_label``); of multilabel data ``<class>/<image>.png`` of 0 and 255.
        format_only: write these files and measure nothing.
        prefix: put before every name, with a slash.
        keep_results: accepted for mmseg's tools; what is written stays in any case.
    """

    def __init__(
        self,
        ignore_index: int = IGNORE,
        iou_metrics: Sequence[str] = ("mIoU",),
        nan_to_num: float | None = None,
        beta: float = 1,
        collect_device: str = "cpu",
        output_dir: str | None = None,
        format_only: bool = False,
        prefix: str | None = None,
        keep_results: bool = True,
    ) -> None:
        metrics = [iou_metrics] if isinstance(iou_metrics, str) else list(iou_metrics)
        unknown = [name for name in metrics if name not in _COLUMNS]
        if unknown or not metrics:
            raise InputError(f"IoUMetric: iou_metrics must be among {', '.join(_COLUMNS)}, got {iou_metrics!r}")
        if beta <= 0:
            raise InputError(f"IoUMetric: beta must be positive, got {beta!r}")
        if format_only and output_dir is None:
            raise InputError("IoUMetric: format_only=True writes files, so it needs output_dir")
        self.ignore_index = ignore_index
        self.metrics = metrics
        self.nan_to_num = nan_to_num
        self.beta = beta
        self.output_dir = None if output_dir is None else Path(output_dir)
        self.format_only = format_only
        self.prefix = f"{prefix}/" if prefix else ""
        self.classes: tuple[str, ...] = ()
        self.reduce_zero_label = False
        self.multilabel = False
        self._areas = torch.zeros(3, 0, dtype=torch.int64)

    def set_dataset(self, metainfo: Mapping[str, Any]) -> None:
        """Take ``classes``, ``reduce_zero_label`` and ``multilabel`` of a dataset, and start from zero."""
        classes = metainfo.get("classes")
        if not classes:
            raise InputError("IoUMetric: the dataset has no class names; give it metainfo=dict(classes=(...))")
        self.classes = tuple(name.strip() for name in classes)
        self.reduce_zero_label = bool(metainfo.get("reduce_zero_label"))
        self.multilabel = bool(metainfo.get("multilabel"))
        self.reset()

    def reset(self) -> None:
        """Forget all images."""
        self._areas = torch.zeros(self._shape, dtype=torch.int64)

    @property
    def _shape(self) -> tuple[int, int]:
        """Areas of both, prediction and label; of several classes per pixel also the known pixels of each."""
        return (4 if self.multilabel else 3, len(self.classes))

    def update(self, pred: Tensor, label: Tensor | None, meta: Mapping[str, Any] | None = None) -> None:
        """Count one image.

        Args:
            pred: (H, W) predicted class ids, integers, on any device; or (K, H, W), whether each class is there.
            label: (H, W) class ids, or (K, H, W) of 0, 1 and 255 for unknown; None only with ``format_only``.
            meta: of the sample; ``img_path`` names the output file, ``seg_map_path`` the mask in errors.
        """
        meta = meta or {}
        if not self.classes:
            raise InputError("IoUMetric: call set_dataset(dataset.metainfo) before update")
        if self.output_dir is not None:
            self._write(pred, meta)
        if self.format_only:
            return
        if label is None:
            raise InputError(f"IoUMetric: {_name(meta)} has no label map to compare with")
        if label.is_floating_point():
            raise InputError(f"IoUMetric: {_name(meta)} has depths, not classes; measure them with DepthMetric")
        if pred.shape != label.shape:
            raise InputError(
                f"IoUMetric: {_name(meta)}: the prediction is {tuple(pred.shape)}, the label map {tuple(label.shape)}; "
                "predictions must be brought back to the size of the original image"
            )
        count = self._count_each if self.multilabel else self._count
        self._areas += count(pred, label.to(pred.device), meta).cpu()

    def _count(self, pred: Tensor, label: Tensor, meta: Mapping[str, Any]) -> Tensor:
        """Areas (3, C) of one image, after a check that both sides hold class ids."""
        if not label.numel():
            return torch.zeros_like(self._areas)
        count = len(self.classes)
        pairs = count_pairs(label.numpy(), pred.numpy()) if _plain(label) and _plain(pred) else None
        if pairs is not None:
            return self._checked(pairs, label, meta)
        void = label == self.ignore_index
        if count <= IGNORE:
            void |= label == IGNORE
        # uncounted pixels share a last bin: measured 1.7 times as fast as picking out the others
        label = label.long().masked_fill(void, 0)
        filled = pred.long().masked_fill(void, 0)
        low, high, low_pred, high_pred = torch.stack((*torch.aminmax(label), *torch.aminmax(filled))).tolist()
        if low < 0 or high >= count:
            raise self._wrong_labels(label[~void], meta)
        if low_pred < 0 or high_pred >= count:
            raise self._wrong_classes(low_pred, high_pred, meta)
        cells = (label * count + filled).masked_fill_(void, count * count)
        confusion = torch.bincount(cells.flatten(), minlength=count * count + 1)[:-1].view(count, count)
        return torch.stack((confusion.diagonal(), confusion.sum(0), confusion.sum(1)))

    def _checked(self, pairs: Array, label: Tensor, meta: Mapping[str, Any]) -> Tensor:
        """Areas (3, C) out of pixels by label and prediction (256, 256), as the last step of `_count`."""
        count = len(self.classes)
        void = [index for index in {self.ignore_index, *([IGNORE] if count <= IGNORE else [])} if 0 <= index <= 255]
        pairs[void] = 0
        if pairs[count:].any():
            raise self._wrong_labels(label[~torch.isin(label, torch.tensor(void, dtype=label.dtype))], meta)
        if pairs[:, count:].any():
            found = np.flatnonzero(pairs.any(axis=0)).tolist()
            raise self._wrong_classes(found[0], found[-1], meta)
        confusion = torch.from_numpy(pairs[:count, :count])
        return torch.stack((confusion.diagonal(), confusion.sum(0), confusion.sum(1)))

    def _count_each(self, pred: Tensor, label: Tensor, meta: Mapping[str, Any]) -> Tensor:
        """Areas (4, C) of one image with a binary map per class."""
        if label.ndim != 3 or len(label) != len(self.classes):
            raise InputError(
                f"IoUMetric: {_name(meta)}: {tuple(label.shape)} labels for {len(self.classes)} classes; multilabel "
                "annotations are (classes, H, W)"
            )
        known = label != IGNORE
        there, true = pred.bool() & known, (label == 1) & known
        return torch.stack([each.flatten(1).sum(1) for each in (there & true, there, true, known)])

    def compute(self) -> dict[str, float]:
        """``aAcc``, the means (``mIoU``, ``mAcc`` ...) and every class's values (``IoU/road`` ...)."""
        if self.format_only:
            return {}
        values = self._per_class()
        result = {"aAcc": _percent(self._all_accuracy())}
        with np.errstate(invalid="ignore"):
            result |= {f"m{column}": _percent(_mean(column_values)) for column, column_values in values.items()}
        for column, column_values in values.items():
            result |= {
                f"{column}/{name}": _percent(value) for name, value in zip(self.classes, column_values, strict=True)
            }
        return {self.prefix + key: value for key, value in result.items()}

    def table(self) -> list[dict[str, str | float]]:
        """One row per class: ``class`` and a column per value, for rich, CSV or JSON."""
        values = self._per_class()
        return [
            {"class": name, **{column: _percent(column_values[index]) for column, column_values in values.items()}}
            for index, name in enumerate(self.classes)
        ]

    def state(self) -> dict[str, Tensor]:
        """``areas`` (3, C) int64: of intersection, prediction and label, (4, C) with known pixels for multilabel data.
        They add up across processes.
        """
        return {"areas": self._areas.clone()}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Continue from a `state`."""
        areas = state["areas"]
        if tuple(areas.shape) != self._shape:
            raise InputError(
                f"IoUMetric: areas of shape {tuple(areas.shape)} do not fit {len(self.classes)} classes, which need "
                f"{self._shape}"
            )
        self._areas = areas.detach().to("cpu", torch.int64, copy=True)

    def _per_class(self) -> dict[str, Array]:
        both, predicted, labeled = self._areas[:3].double().numpy()
        with np.errstate(divide="ignore", invalid="ignore"):
            recall = both / labeled
            precision = both / predicted
            squared = self.beta**2
            every = {
                "IoU": both / (predicted + labeled - both),
                "Acc": recall,
                "Dice": 2 * both / (predicted + labeled),
                "Fscore": (1 + squared) * precision * recall / (squared * precision + recall),
                "Precision": precision,
                "Recall": recall,
            }
        wanted = dict.fromkeys(column for name in self.metrics for column in _COLUMNS[name])
        return {column: self._filled(every[column]) for column in wanted}

    def _all_accuracy(self) -> float:
        both, predicted, labeled = (int(areas.sum()) for areas in self._areas[:3])
        right, total = both, labeled
        if self.multilabel:
            total = int(self._areas[3].sum())
            right = total - (predicted - both) - (labeled - both)
        value = right / total if total else float("nan")
        return float(self._filled(np.array(value)))

    def _filled(self, values: Array) -> Array:
        return values if self.nan_to_num is None else np.nan_to_num(values, nan=self.nan_to_num)

    def _wrong_classes(self, low: int, high: int, meta: Mapping[str, Any]) -> InputError:
        count = len(self.classes)
        return InputError(
            f"IoUMetric: {_name(meta)}: predicted classes {low}..{high}, but the dataset has {count} "
            f"classes 0..{count - 1}; num_classes of the head and the dataset's classes disagree"
        )

    def _wrong_labels(self, label: Tensor, meta: Mapping[str, Any]) -> LabelError:
        values, counts = torch.unique(label, return_counts=True)
        found = dict(zip(values.tolist(), counts.tolist(), strict=True))
        void = self.ignore_index
        wrong = [f"{v} ({n} pixels)" for v, n in found.items() if not 0 <= v < len(self.classes)]
        return LabelError(
            f"{meta.get('seg_map_path') or _name(meta)}: labels {', '.join(wrong[:6])} outside the {len(self.classes)} "
            f"classes (ignored: {void}). {find_mistake(found, len(self.classes), void, ignore=void)}"
        )

    def _write(self, pred: Tensor, meta: Mapping[str, Any]) -> None:
        if not meta.get("img_path"):
            raise InputError("IoUMetric: output_dir needs img_path in the sample's meta; add it to meta_keys")
        assert self.output_dir is not None
        if self.multilabel:
            for name, one in zip(self.classes, pred.cpu().numpy(), strict=True):
                write_png(
                    self.output_dir / name.replace("/", "_") / f"{Path(meta['img_path']).stem}.png",
                    one.astype(np.uint8) * 255,
                )
            return
        ids = pred.cpu().numpy() + int(self.reduce_zero_label)
        depth = np.uint8 if len(self.classes) + int(self.reduce_zero_label) <= 256 else np.uint16
        write_png(self.output_dir / f"{Path(meta['img_path']).stem}.png", ids.astype(depth))


def _plain(values: Tensor) -> bool:
    """Whether `count_pairs` takes it: a map of integers in the memory of the CPU."""
    whole = not values.is_floating_point() and values.dtype != torch.bool
    return values.device.type == "cpu" and values.ndim == 2 and whole


def _name(meta: Mapping[str, Any]) -> str:
    return str(meta.get("img_path") or "an image")


def _mean(values: Array) -> float:
    present = values[~np.isnan(values)]
    return float(present.mean()) if present.size else float("nan")


def _percent(value: float) -> float:
    return round(float(np.round(value * 100, 2)), 2)
