"""mmseg.core of 0.x: metrics of label maps as functions, and hooks that evaluate; mmcv.runner's mixed precision."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from segue.compat.mmengine.hooks import Hook
from segue.compat.mmengine.metrics import intersect_and_union

METRICS = ("mIoU", "mDice", "mFscore")


def f_score(precision: Any, recall: Any, beta: float = 1) -> Any:
    """The weighted harmonic mean of precision and recall."""
    return (1 + beta**2) * precision * recall / (beta**2 * precision + recall)


def total_intersect_and_union(
    results: Sequence[Any], gt_seg_maps: Any, num_classes: int, ignore_index: int, label_map: Any = None,
    reduce_zero_label: bool = False,
) -> tuple[Any, Any, Any, Any]:  # fmt: skip
    """Pixels in common, in either, predicted and true of each class, over all images: four of (num_classes,)."""
    each = [
        intersect_and_union(result, truth, num_classes, ignore_index, label_map or {}, reduce_zero_label)
        for result, truth in zip(results, gt_seg_maps, strict=True)
    ]
    return tuple(sum(areas) for areas in zip(*each, strict=True))  # type: ignore[return-value]


def total_area_to_metrics(
    total_area_intersect: Any, total_area_union: Any, total_area_pred_label: Any, total_area_label: Any,
    metrics: Any = ("mIoU",), nan_to_num: float | None = None, beta: float = 1,
) -> OrderedDict[str, Any]:  # fmt: skip
    """``aAcc`` and per-class values of the ``metrics``, as fractions."""
    wanted = [metrics] if isinstance(metrics, str) else list(metrics)
    if not set(wanted) <= set(METRICS):
        raise KeyError(f"metrics {metrics} is not supported")
    common, union, pred, label = (
        torch.as_tensor(x).double()
        for x in (total_area_intersect, total_area_union, total_area_pred_label, total_area_label)
    )
    found: OrderedDict[str, Any] = OrderedDict({"aAcc": common.sum() / label.sum()})
    for metric in wanted:
        if metric == "mIoU":
            found["IoU"], found["Acc"] = common / union, common / label
        elif metric == "mDice":
            found["Dice"], found["Acc"] = 2 * common / (pred + label), common / label
        else:
            precision, recall = common / pred, common / label
            found["Fscore"] = f_score(precision, recall, beta)
            found["Precision"], found["Recall"] = precision, recall
    out = OrderedDict((name, value.numpy()) for name, value in found.items())
    if nan_to_num is not None:
        out = OrderedDict((name, np.nan_to_num(value, nan=nan_to_num)) for name, value in out.items())
    return out


def eval_metrics(
    results: Sequence[Any], gt_seg_maps: Any, num_classes: int, ignore_index: int, metrics: Any = ("mIoU",),
    nan_to_num: float | None = None, label_map: Any = None, reduce_zero_label: bool = False, beta: float = 1,
) -> OrderedDict[str, Any]:  # fmt: skip
    """``aAcc`` and per-class values of label maps (H, W) against their truth, as fractions."""
    areas = total_intersect_and_union(results, gt_seg_maps, num_classes, ignore_index, label_map, reduce_zero_label)
    return total_area_to_metrics(*areas, metrics, nan_to_num, beta)


def pre_eval_to_metrics(
    pre_eval_results: Sequence[Any], metrics: Any = ("mIoU",), nan_to_num: float | None = None, beta: float = 1
) -> OrderedDict[str, Any]:
    """The same from what `intersect_and_union` gave for each image."""
    areas = [sum(values) for values in zip(*pre_eval_results, strict=True)]
    if len(areas) != 4:
        raise AssertionError(f"four areas per image are needed, not {len(areas)}")
    return total_area_to_metrics(areas[0], areas[1], areas[2], areas[3], metrics, nan_to_num, beta)


def mean_iou(
    results: Sequence[Any], gt_seg_maps: Any, num_classes: int, ignore_index: int, nan_to_num: float | None = None,
    label_map: Any = None, reduce_zero_label: bool = False,
) -> OrderedDict[str, Any]:  # fmt: skip
    """`eval_metrics` with mIoU."""
    return eval_metrics(
        results, gt_seg_maps, num_classes, ignore_index, ["mIoU"], nan_to_num, label_map, reduce_zero_label
    )


def mean_dice(
    results: Sequence[Any], gt_seg_maps: Any, num_classes: int, ignore_index: int, nan_to_num: float | None = None,
    label_map: Any = None, reduce_zero_label: bool = False,
) -> OrderedDict[str, Any]:  # fmt: skip
    """`eval_metrics` with mDice."""
    return eval_metrics(
        results, gt_seg_maps, num_classes, ignore_index, ["mDice"], nan_to_num, label_map, reduce_zero_label
    )


class EvalHook(Hook):
    """Evaluation between training, of a runner of one's own: every ``interval`` iterations, or epochs.

    Under Segue's training ``evaluation = dict(interval=...)`` of a config does this.
    """

    greater_keys = ("mIoU", "mAcc", "aAcc")

    def __init__(
        self, dataloader: Any, interval: int = 1, by_epoch: bool = False, efficient_test: bool = False,
        pre_eval: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        self.dataloader, self.interval, self.by_epoch, self.pre_eval = dataloader, interval, by_epoch, pre_eval
        self.eval_kwargs = kwargs

    def _do_evaluate(self, runner: Any) -> None:
        from segue.compat.mmseg.old_testing import single_gpu_test

        results = single_gpu_test(runner.model, self.dataloader)
        self.evaluate(runner, results)

    def evaluate(self, runner: Any, results: Any) -> None:
        """The dataset's metrics into the runner's log."""
        found = self.dataloader.dataset.evaluate(results, logger=getattr(runner, "logger", None), **self.eval_kwargs)
        buffer = getattr(runner, "log_buffer", None)
        if buffer is not None:
            buffer.output.update(found)

    def after_train_iter(self, runner: Any, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """Evaluate where the interval is over."""
        if not self.by_epoch and self.every_n_train_iters(runner, self.interval):
            self._do_evaluate(runner)

    def after_train_epoch(self, runner: Any, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """Evaluate where the interval is over."""
        if self.by_epoch and self.every_n_epochs(runner, self.interval):
            self._do_evaluate(runner)


class DistEvalHook(EvalHook):
    """The same: with one process per device, the first evaluates."""

    def _do_evaluate(self, runner: Any) -> None:
        from segue.compat.mmengine.processes import barrier, is_main_process

        if is_main_process():
            super()._do_evaluate(runner)
        barrier()


def wrap_fp16_model(model: nn.Module) -> None:
    """Nothing: mixed precision is asked for in training (``fp16 = dict(...)``) or by torch.autocast, not of a model."""
