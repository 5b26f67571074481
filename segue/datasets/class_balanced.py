"""ClassBalancedDataset: images of rare classes more often, as LVIS samples. https://arxiv.org/abs/1908.03195"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from torch.utils.data import Dataset

from segue.datasets.wrapper import DatasetWrapper
from segue.errors import InputError
from segue.masks.decode import read_mask
from segue.masks.labels import label_counts, remap_labels


class ClassBalancedDataset(DatasetWrapper):
    """Repeat each sample as often as the rarest of its classes asks for.

    With f the share of the images that show a class, a class asks for r = max(1, sqrt(``oversample_thr`` / f)), and an
    image is repeated ceil(r) times, of the largest r of its classes.

    Args:
        dataset: its ``get_cat_ids(index)`` says the classes of an image, if it has such a method; else the label maps
            are read, once.
        oversample_thr: share of the images below which a class is rare.
        lazy_init: look for the files and labels at first use.
    """

    def __init__(self, dataset: Dataset[Any], oversample_thr: float, lazy_init: bool = False) -> None:
        if not isinstance(oversample_thr, float | int) or not 0 < oversample_thr <= 1:
            raise InputError(
                f"ClassBalancedDataset: oversample_thr must be a share above 0 and at most 1, got {oversample_thr!r}"
            )
        self.oversample_thr = oversample_thr
        self._indexes: list[int] | None = None
        super().__init__(dataset, lazy_init)

    def full_init(self) -> None:
        """Find the files of the dataset, and the classes in them."""
        if self._indexes is not None:
            return
        super().full_init()
        classes = [self._classes(index) for index in range(len(self.dataset))]
        images = Counter(label for found in classes for label in found)
        asks = {
            label: max(1.0, math.sqrt(self.oversample_thr / (count / len(classes)))) for label, count in images.items()
        }
        times = [math.ceil(max((asks[label] for label in found), default=1.0)) for found in classes]
        self._indexes = [index for index, count in enumerate(times) for _ in range(count)]

    def get_cat_ids(self, index: int) -> list[int]:
        """The classes of a sample."""
        return sorted(self._classes(self._checked(index)))

    def _classes(self, index: int) -> set[int]:
        if hasattr(self.dataset, "get_cat_ids"):
            return set(self.dataset.get_cat_ids(index))
        info = self.dataset.get_data_info(index)
        mask = remap_labels(
            read_mask(info["seg_map_path"]),
            void=info["void"],
            ignore_index=info["ignore_index"],
            reduce_zero_label=info["reduce_zero_label"],
            label_map=info["label_map"],
        )
        return set(label_counts(mask)) - {info["ignore_index"]}

    def inner(self, index: int) -> int:
        """The sample of the dataset that stands at ``index``."""
        assert self._indexes is not None
        return self._indexes[index]

    def __len__(self) -> int:
        self.full_init()
        assert self._indexes is not None
        return len(self._indexes)
