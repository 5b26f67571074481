"""CityscapesMetric: the scores of Cityscapes' own evaluation, https://github.com/mcordts/cityscapesScripts.

Four means over classes and over categories: IoU, and iIoU, where each true instance counts as much as an average one of
its class (https://www.cityscapes-dataset.com/benchmarks). Truth is the dataset's own files of ids, not the 19 classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from segue.errors import DataError, InputError
from segue.images.read import Array, read_image, write_png

#: the evaluated ids of each category, in the order of the 19 classes; all others are ignored
CATEGORIES: dict[str, tuple[int, ...]] = {
    "flat": (7, 8),
    "construction": (11, 12, 13),
    "object": (17, 19, 20),
    "nature": (21, 22),
    "sky": (23,),
    "human": (24, 25),
    "vehicle": (26, 27, 28, 31, 32, 33),
}
IDS = tuple(label for ids in CATEGORIES.values() for label in ids)
_COUNT = 34
#: ids of instances as in the files' numbers ID * 1000 + index -> mean pixels of an instance of the training set
INSTANCE_PIXELS: dict[int, float] = {
    24: 3462.4756337644,
    25: 3930.4788056518,
    26: 12794.0202738185,
    27: 27855.1264367816,
    28: 35732.1511111111,
    31: 67583.7075812274,
    32: 6298.7200839748,
    33: 4672.3249222261,
}
#: beside the classes, these ids make an instance's pixels right for its category
_IN_CATEGORY = {"human": (24, 25), "vehicle": (26, 27, 28, 29, 30, 31, 32, 33)}
_SHAPES = {"confusion": (_COUNT, _COUNT), "instances": (_COUNT, 2), "groups": (len(CATEGORIES), 2)}


class CityscapesMetric:
    """``averageScoreClasses``, ``averageScoreInstClasses``, ``averageScoreCategories`` and
    ``averageScoreInstCategories``, from 0 to 1. Sums are kept, so memory does not grow.

    The truth of ``..._gtFine_labelTrainIds.png`` is read from ``..._gtFine_labelIds.png`` and
    ``..._gtFine_instanceIds.png`` beside it.

    Args:
        output_dir: folder for predictions as PNG of the dataset's ids, which the benchmark's server takes; they are
            written with ``format_only`` or ``keep_results``, and not needed for measuring.
        ignore_index: predictions of this label are of no class.
        format_only: write files and measure nothing.
        keep_results: write files, too.
        collect_device: accepted; sums are kept on the CPU.
        prefix: put before every name, with a slash.
    """

    def __init__(
        self,
        output_dir: str | None = None,
        ignore_index: int = 255,
        format_only: bool = False,
        keep_results: bool = False,
        collect_device: str = "cpu",
        prefix: str | None = None,
    ) -> None:
        if output_dir is None and (format_only or keep_results):
            raise InputError("CityscapesMetric: format_only and keep_results write files, so they need output_dir")
        self.output_dir = Path(output_dir) if output_dir is not None and (format_only or keep_results) else None
        self.ignore_index, self.format_only = ignore_index, format_only
        self.prefix = f"{prefix}/" if prefix else ""
        self.reset()

    def set_dataset(self, metainfo: Mapping[str, Any]) -> None:
        """Take the dataset's notes, whose classes must be the 19."""
        count = len(metainfo.get("classes") or ())
        if count != len(IDS):
            raise InputError(f"CityscapesMetric measures the {len(IDS)} classes of Cityscapes, the dataset has {count}")
        self.reset()

    def reset(self) -> None:
        """Forget all images."""
        self._sums = {name: np.zeros(shape) for name, shape in _SHAPES.items()}

    def update(self, pred: Tensor, label: Tensor | None, meta: Mapping[str, Any] | None = None) -> None:
        """Count one image.

        Args:
            pred: (H, W) predicted classes 0..18.
            label: not used; the truth is in the files.
            meta: of the sample: ``seg_map_path`` leads to the truth, ``img_path`` names the output file.
        """
        meta = meta or {}
        ids = self.ids_of(pred)
        if self.output_dir is not None:
            if not meta.get("img_path"):
                raise InputError("CityscapesMetric: output_dir needs img_path in the sample's meta")
            write_png(self.output_dir / f"{Path(str(meta['img_path'])).stem}.png", ids.astype(np.uint8))
        if not self.format_only:
            for name, part in counts_of(ids, *truth_of(meta, ids.shape)).items():
                self._sums[name] += part

    def ids_of(self, pred: Tensor) -> Array:
        """Classes 0..18 to the dataset's ids; what is ignored is 0, "unlabeled"."""
        classes = pred.detach().cpu().numpy().astype(np.int64)
        classes = np.where(classes == self.ignore_index, len(IDS), classes)
        if classes.size and not 0 <= classes.min() <= classes.max() <= len(IDS):
            low, high = classes.min(), classes.max()
            raise InputError(f"CityscapesMetric: predicted classes {low}..{high}, but there are 0..{len(IDS) - 1}")
        ids: Array = np.array([*IDS, 0])[classes]
        return ids

    def compute(self) -> dict[str, float]:
        """The four means."""
        if self.format_only:
            return {}
        return {self.prefix + name: value for name, value in scores(self._sums).items()}

    def table(self) -> list[dict[str, str | float]]:
        """No table of classes."""
        return []

    def state(self) -> dict[str, Tensor]:
        """Sums (float64), which add up across processes."""
        return {name: torch.from_numpy(part.copy()) for name, part in self._sums.items()}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Continue from a `state`."""
        self._sums = {name: state[name].detach().cpu().double().numpy() for name in _SHAPES}


def truth_of(meta: Mapping[str, Any], size: Sequence[int]) -> tuple[Array, Array]:
    """The ids and the instances of an image, both (H, W).

    Raises:
        DataError: a file is not there, or of another size.
    """
    path = str(meta.get("seg_map_path") or "")
    if not path:
        raise InputError("CityscapesMetric: seg_map_path is missing in the sample's meta, so there is no truth")
    path = path.replace("labelTrainIds.png", "labelIds.png")
    found = []
    for file in (path, path.replace("labelIds.png", "instanceIds.png")):
        array = read_image(file, "unchanged")
        if array.shape != tuple(size):
            raise DataError(f"{file}: is {array.shape}, the prediction {tuple(size)}")
        found.append(array.astype(np.int64))
    if found[0].max() >= _COUNT:
        raise DataError(f"{path}: holds {found[0].max()}, ids end at {_COUNT - 1}; the *_labelIds.png are wanted")
    return found[0], found[1]


def counts_of(ids: Array, truth: Array, instances: Array) -> dict[str, Array]:
    """What one image adds: pixels (truth, predicted), and weighted (right, wrong) pixels of instances by class and by
    category.
    """
    confusion = np.bincount((truth * _COUNT + ids).ravel(), minlength=_COUNT**2).reshape(_COUNT, _COUNT)
    sums = {name: np.zeros(shape) for name, shape in _SHAPES.items()}
    sums["confusion"] += confusion
    groups = list(CATEGORIES)
    for instance in np.unique(instances[instances > 1000]).tolist():
        label = instance // 1000
        if label not in INSTANCE_PIXELS:
            continue
        there = ids[instances == instance]
        weight = INSTANCE_PIXELS[label] / there.size
        name = next(name for name, members in CATEGORIES.items() if label in members)
        for part, row, right in (
            ("instances", label, int((there == label).sum())),
            ("groups", groups.index(name), int(np.isin(there, _IN_CATEGORY[name]).sum())),
        ):
            sums[part][row] += (weight * right, weight * (there.size - right))
    return sums


def scores(sums: Mapping[str, Array]) -> dict[str, float]:
    """The four means, each over what occurs."""
    confusion = sums["confusion"]
    values: dict[str, list[float]] = {name: [] for name in ("Classes", "InstClasses", "Categories", "InstCategories")}
    for label in IDS:
        others = [other for other in IDS if other != label]
        right, wrong = confusion[label, label], confusion[others, label].sum()
        values["Classes"].append(_ratio(right, confusion[label].sum() + wrong))
        if label in INSTANCE_PIXELS:
            right, missed = sums["instances"][label]
            values["InstClasses"].append(_ratio(right, right + missed + wrong))
    for index, (name, members) in enumerate(CATEGORIES.items()):
        others = [other for other in IDS if other not in members]
        columns = list(members)
        right = confusion[np.ix_(columns, columns)].sum()
        wrong = confusion[np.ix_(others, columns)].sum()
        values["Categories"].append(_ratio(right, confusion[columns].sum() + wrong))
        if name in _IN_CATEGORY:
            inside = list(_IN_CATEGORY[name])
            wrong = confusion[np.ix_(others, inside)].sum()
            right, missed = sums["groups"][index]
            values["InstCategories"].append(_ratio(right, right + missed + wrong))
    return {f"averageScore{name}": _mean(part) for name, part in values.items()}


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else float("nan")


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if value == value]
    return float(np.mean(known)) if known else float("nan")
