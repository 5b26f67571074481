"""RepeatDataset: a small dataset made long."""

from __future__ import annotations

from typing import Any

from torch.utils.data import Dataset

from segue.datasets.wrapper import DatasetWrapper
from segue.errors import InputError


class RepeatDataset(DatasetWrapper):
    """The samples of ``dataset``, ``times`` times over.

    Args:
        dataset: any dataset.
        times: how often.
        lazy_init: look for the files at first use.
    """

    def __init__(self, dataset: Dataset[Any], times: int, lazy_init: bool = False) -> None:
        if not isinstance(times, int) or times < 1:
            raise InputError(f"RepeatDataset: times must be a positive integer, got {times!r}")
        self.times = times
        super().__init__(dataset, lazy_init)

    def inner(self, index: int) -> int:
        """The sample of the dataset that stands at ``index``."""
        return index % len(self.dataset)

    def __len__(self) -> int:
        return len(self.dataset) * self.times
