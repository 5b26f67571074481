"""What datasets around another dataset share."""

from __future__ import annotations

from typing import Any

from torch.utils.data import Dataset

from segue.types import Sample


class DatasetWrapper(Dataset[Any]):
    """Samples of ``dataset`` in another number or order, which a subclass says by ``__len__`` and ``inner``.

    Args:
        dataset: any dataset.
        lazy_init: look for the files at first use.
    """

    def __init__(self, dataset: Dataset[Any], lazy_init: bool = False) -> None:
        self.dataset: Any = dataset
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
        info: Sample = self.dataset.get_data_info(self._checked(index))
        return info

    def inner(self, index: int) -> int:
        """The sample of the dataset that stands at ``index``, 0 or more."""
        return index

    def _checked(self, index: int) -> int:
        count = len(self)
        if not -count <= index < count:
            raise IndexError(f"{type(self).__name__} has {count} samples, no sample {index}")
        return self.inner(index % count)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        return self.dataset[self._checked(index)]
