"""ConcatDataset: several datasets of the same classes, one after the other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from torch.utils.data import Dataset

from segue.errors import DataError, InputError
from segue.types import Sample


class ConcatDataset(Dataset[Any]):
    """The samples of all ``datasets`` in order.

    Args:
        datasets: at least one; their metainfo must agree.
        lazy_init: look for the files at first use.
        ignore_keys: entries of metainfo that may differ; the first dataset's count.
    """

    def __init__(
        self, datasets: Sequence[Dataset[Any]], lazy_init: bool = False, ignore_keys: str | Sequence[str] | None = None
    ) -> None:
        if not datasets:
            raise InputError("ConcatDataset: datasets must not be empty")
        self.datasets: list[Any] = list(datasets)
        ignored = {ignore_keys} if isinstance(ignore_keys, str) else set(ignore_keys or ())
        first = self._compared(0, ignored)
        for position in range(1, len(self.datasets)):
            other = self._compared(position, ignored)
            differing = [key for key in sorted({*first, *other}) if first.get(key) != other.get(key)]
            if differing:
                raise DataError(
                    f"ConcatDataset: datasets 0 and {position} differ in {', '.join(differing)}; give them the same "
                    "metainfo, or name these keys in ignore_keys"
                )
        self._ends: list[int] | None = None
        if not lazy_init:
            self.full_init()

    def _compared(self, position: int, ignored: set[str]) -> dict[str, Any]:
        # how the files of each are read (label_map, reduce_zero_label) is each dataset's own business
        own = {"label_map", "reduce_zero_label", *ignored}
        return {key: value for key, value in self.datasets[position].metainfo.items() if key not in own}

    @property
    def metainfo(self) -> dict[str, Any]:
        """That of the first dataset."""
        metainfo: dict[str, Any] = self.datasets[0].metainfo
        return metainfo

    @property
    def ignore_index(self) -> int:
        """That of the first dataset."""
        ignored: int = self.datasets[0].ignore_index
        return ignored

    def full_init(self) -> None:
        """Find the files of all datasets."""
        if self._ends is None:
            for dataset in self.datasets:
                if hasattr(dataset, "full_init"):
                    dataset.full_init()
            self._ends = list(accumulate(len(dataset) for dataset in self.datasets))

    def get_data_info(self, index: int) -> Sample:
        """What the pipeline of that sample starts from."""
        dataset, inner = self._locate(index)
        info: Sample = self.datasets[dataset].get_data_info(inner)
        return info

    def _locate(self, index: int) -> tuple[int, int]:
        count = len(self)
        if not -count <= index < count:
            raise IndexError(f"ConcatDataset has {count} samples, no sample {index}")
        assert self._ends is not None
        index %= count
        dataset = bisect_right(self._ends, index)
        return dataset, index - (self._ends[dataset - 1] if dataset else 0)

    def __len__(self) -> int:
        self.full_init()
        assert self._ends is not None
        return self._ends[-1]

    def __getitem__(self, index: int) -> Any:
        dataset, inner = self._locate(index)
        return self.datasets[dataset][inner]
