"""MultiImageMixDataset: transforms that mix several samples, such as RandomMosaic."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from torch.utils.data import Dataset

from segue.datasets.wrapper import DatasetWrapper
from segue.errors import DataError, InputError
from segue.types import Sample


class MultiImageMixDataset(DatasetWrapper):
    """The samples of ``dataset``, put through ``pipeline``; its transforms may ask for more samples.

    A transform with a method ``get_indices(dataset)`` finds the samples of these indexes under ``mix_results``.

    Args:
        dataset: its own pipeline loads image and labels and does not pack them.
        pipeline: transforms of a sample; the last packs.
        skip_type_keys: names of classes of ``pipeline`` to leave out.
        lazy_init: look for the files at first use.
    """

    def __init__(
        self,
        dataset: Dataset[Any],
        pipeline: Sequence[Callable[[Sample], Any]],
        skip_type_keys: Sequence[str] | None = None,
        lazy_init: bool = False,
    ) -> None:
        if not isinstance(pipeline, Sequence) or not all(callable(step) for step in pipeline):
            raise InputError(f"MultiImageMixDataset: pipeline must be a list of transforms, got {pipeline!r}")
        self.pipeline = list(pipeline)
        self.skip_type_keys: tuple[str, ...] = ()
        self.update_skip_type_keys(skip_type_keys or ())
        super().__init__(dataset, lazy_init)

    def update_skip_type_keys(self, skip_type_keys: Sequence[str]) -> None:
        """Leave out other transforms from now on."""
        if isinstance(skip_type_keys, str) or not all(isinstance(name, str) for name in skip_type_keys):
            raise InputError(f"MultiImageMixDataset: skip_type_keys must be a list of names, got {skip_type_keys!r}")
        self.skip_type_keys = tuple(skip_type_keys)

    def __getitem__(self, index: int) -> Any:
        sample: Any = copy.deepcopy(self.dataset[index])
        for step in self.pipeline:
            if type(step).__name__ in self.skip_type_keys:
                continue
            if hasattr(step, "get_indices"):
                chosen = step.get_indices(self.dataset)
                indexes = chosen if isinstance(chosen, Sequence) else [chosen]
                sample["mix_results"] = [copy.deepcopy(self.dataset[i]) for i in indexes]
            path = sample.get("img_path")
            sample = step(sample)
            if sample is None:
                raise DataError(
                    f"{path}: {type(step).__name__} of MultiImageMixDataset dropped it; drop it in the dataset"
                )
            sample.pop("mix_results", None)
        return sample
