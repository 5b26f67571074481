"""A batch is a list per key: images may differ in size, and the preprocessor stacks them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from segue.errors import DataError
from segue.transforms.compose import taken


def collate(batch: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    """Packed samples to ``{"inputs": list[Tensor], "data_samples": list[SegSample]}``."""
    if not batch:
        raise DataError("cannot make a batch of no samples")
    batch = [taken(sample) for sample in batch]
    keys = list(batch[0])
    for index, sample in enumerate(batch):
        if list(sample) != keys:
            raise DataError(f"samples of one batch differ: the first has {keys}, sample {index} has {list(sample)}")
    return {key: [sample[key] for sample in batch] for key in keys}
