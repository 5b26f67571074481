"""RepeatDataset: a small dataset made long."""

from __future__ import annotations

from typing import Any

from torch.utils.data import Dataset

from segue.errors import InputError
from segue.types import Sample


class RepeatDataset(Dataset[Any]):
    """The samples of ``dataset``, ``times`` times over.

    Args:
        dataset: any dataset.
        times: how often.
        lazy_init: look for the files at first use.
    """

    def __init__(self, dataset: Dataset[Any], times: int, lazy_init: bool = False) -> None:
        if not isinstance(times, int) or times < 1:
            raise InputError(f"RepeatDataset: times must be a positive integer, got {times!r}")
        self.dataset: Any = dataset
        self.times = times
        if not lazy_init:
            self.full_init()

    @property
    def metainfo(self) -> dict[str, Any]:
        """That of the dataset."""
        metainfo: dict[str, Any] = self.dataset.metainfo
        return metainfo

    @property
    def ignore_index(self) -> int:
        """That of the dataset."""
        ignored: int = self.dataset.ignore_index
        return ignored

    def full_init(self) -> None:
        """Find the files of the dataset."""
        if hasattr(self.dataset, "full_init"):
            self.dataset.full_init()

    def get_data_info(self, index: int) -> Sample:
        """What the pipeline of that sample starts from."""
        info: Sample = self.dataset.get_data_info(self._inner(index))
        return info

    def _inner(self, index: int) -> int:
        count = len(self)
        if not -count <= index < count:
            raise IndexError(f"RepeatDataset has {count} samples, no sample {index}")
        return index % len(self.dataset)

    def __len__(self) -> int:
        return len(self.dataset) * self.times

    def __getitem__(self, index: int) -> Any:
        return self.dataset[self._inner(index)]
