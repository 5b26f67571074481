"""What scripts of mmseg 0.x ask of a dataset: to measure results, and to write them as its own files are."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from segue.compat.mmengine.metrics import intersect_and_union
from segue.compat.mmseg.old_evaluation import METRICS, eval_metrics, pre_eval_to_metrics
from segue.compat.overrides import overridden
from segue.images.read import write_png
from segue.masks.decode import read_mask
from segue.metrics.cityscapes import CityscapesMetric

#: what a script of 0.x calls on a dataset after the model has seen it
MEASURES = ("evaluate", "pre_eval", "format_results", "get_gt_seg_map_by_idx")


class EvaluatedAsOld:
    """``evaluate``, ``pre_eval`` and ``format_results`` of 0.x; Segue's own evaluation does not call them."""

    @property
    def uncalled(self) -> str:
        """What the user's class defines of them, in a line for those who measure without them; empty if nothing."""
        names = [name for name in MEASURES if overridden(self, name)]
        if not names:
            return ""
        return (
            f"{type(self).__name__}.{', .'.join(names)}: called by scripts of 0.x (segue run tools/test.py); the "
            "metrics here are those of the evaluators: write a metric with process and compute_metrics for others"
        )

    def get_gt_seg_map_by_idx(self: Any, index: int) -> np.ndarray:
        """A label map as its file has it."""
        found: np.ndarray = read_mask(self.get_data_info(index)["seg_map_path"])
        return found

    def get_gt_seg_maps(self: Any, efficient_test: bool = False) -> Iterator[np.ndarray]:
        """Label maps one after the other, as the files have them."""
        return (self.get_gt_seg_map_by_idx(index) for index in range(len(self)))

    def _counted(self: Any) -> dict[str, Any]:
        label_map = getattr(self, "label_map", None) or {}
        reduced = bool(getattr(self, "reduce_zero_label", False))
        return {"label_map": label_map, "reduce_zero_label": reduced}

    def pre_eval(self: Any, preds: Any, indices: Any) -> list[tuple[Any, Any, Any, Any]]:
        """Pixels in common, in either, predicted and true of each class, of each label map (H, W)."""
        found = zip(preds if isinstance(preds, list) else [preds], _several(indices), strict=True)
        ignored, count = self.ignore_index, len(self.metainfo["classes"])
        return [
            intersect_and_union(pred, self.get_gt_seg_map_by_idx(at), count, ignored, **self._counted())
            for pred, at in found
        ]

    def evaluate(
        self: Any, results: Sequence[Any], metric: Any = "mIoU", logger: Any = None, gt_seg_maps: Any = None,
        **kwargs: Any,
    ) -> dict[str, float]:  # fmt: skip
        """Metrics of label maps, or of what `pre_eval` gave, as fractions of two digits in percent; prints a table.

        Raises:
            KeyError: a metric that is none of mIoU, mDice and mFscore.
        """
        wanted = [metric] if isinstance(metric, str) else list(metric or ["mIoU"])
        if not set(wanted) <= set(METRICS):
            raise KeyError(f"metric {metric} is not supported: {', '.join(METRICS)}")
        names = list(self.metainfo["classes"])
        if isinstance(results[0], (np.ndarray, str)):
            maps = self.get_gt_seg_maps() if gt_seg_maps is None else gt_seg_maps
            loaded = [np.load(each) if isinstance(each, str) else each for each in results]
            found = eval_metrics(loaded, maps, len(names), self.ignore_index, wanted, **self._counted())
        else:
            found = pre_eval_to_metrics(results, wanted)
        percents = {key: np.round(100 * np.asarray(value, float), 2) for key, value in found.items()}
        means = {key: np.round(100 * np.nanmean(np.asarray(value, float)), 2) for key, value in found.items()}
        _print(names, percents, means)
        out = {key if key == "aAcc" else f"m{key}": float(value) / 100 for key, value in means.items()}
        for key, values in percents.items():
            if key != "aAcc":
                out |= {f"{key}.{name}": float(value) / 100 for name, value in zip(names, values, strict=True)}
        return out

    def format_results(
        self: Any, results: Sequence[Any], imgfile_prefix: str, to_label_id: bool = True, indices: Any = None
    ) -> list[str]:
        """Write label maps as PNG by the names of the images, with the values that the dataset's files have.

        Cityscapes' get its label ids with ``to_label_id``, and ADE20K's begin at 1.
        """
        name = type(self).__name__
        files = []
        for index, labels in zip(_several(indices) if indices is not None else range(len(self)), results, strict=True):
            values = np.asarray(labels)
            if name == "CityscapesDataset" and to_label_id:
                values = np.asarray(CityscapesMetric().ids_of(torch.as_tensor(values)))
            elif name == "ADE20KDataset":
                values = values + 1
            file = Path(imgfile_prefix) / f"{Path(self.get_data_info(index)['img_path']).stem}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            write_png(file, values.astype(np.uint8))
            files.append(str(file))
        return files

    results2img = format_results


def _several(indices: Any) -> list[int]:
    return [int(at) for at in (indices if isinstance(indices, (list, tuple, range, np.ndarray)) else [indices])]


def _print(names: Sequence[str], percents: dict[str, Any], means: dict[str, Any]) -> None:
    console = Console()
    keys = [key for key in percents if key != "aAcc"]
    table = Table("Class", *keys)
    for row, name in enumerate(names):
        values = [float(percents[key][row]) for key in keys]
        table.add_row(name, *("-" if math.isnan(value) else f"{value:.2f}" for value in values))
    console.print(table)
    console.print(", ".join(f"{key if key == 'aAcc' else 'm' + key} {value:.2f}" for key, value in means.items()))
