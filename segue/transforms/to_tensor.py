"""ToTensor: some entries become tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from segue.errors import InputError
from segue.transforms.arguments import refuse
from segue.types import Sample


class ToTensor:
    """Turn arrays, numbers and lists of numbers into tensors, as they are. Takes any shape and dtype.

    Args:
        keys: which entries; ``a.b`` is the entry ``b`` of the entry ``a``.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if isinstance(keys, str) or not all(isinstance(key, str) for key in keys):
            raise refuse(self, "keys", "a list of keys", keys)
        self.keys = tuple(keys)

    def __call__(self, sample: Sample) -> Sample:
        """Convert."""
        for key in self.keys:
            *way, last = key.split(".")
            place: Any = sample
            for part in way:
                place = place.get(part) if isinstance(place, dict) else None
            if not isinstance(place, dict) or last not in place:
                raise InputError(f"ToTensor: the sample has no {key!r} (keys: {', '.join(map(str, sample))})")
            place[last] = _tensor(place[last], key)
        return sample


def _tensor(value: Any, key: str) -> torch.Tensor:
    if isinstance(value, torch.Tensor):
        return value
    try:
        return torch.from_numpy(np.array(value))
    except (TypeError, ValueError) as error:
        raise InputError(f"ToTensor: {key!r} cannot become a tensor: {error}") from error
