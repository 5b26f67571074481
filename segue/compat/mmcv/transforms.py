"""mmcv's transforms: the base class of a user's own, pipelines, and arrays to tensors."""

from __future__ import annotations

import functools
from abc import ABCMeta, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from segue.compat.mmcv.printed import pipeline
from segue.compat.mmengine.registry import TRANSFORMS


class BaseTransform(metaclass=ABCMeta):
    """A step of a pipeline: ``transform(results) -> results``, or None to drop the sample."""

    takes_config = True

    def __call__(self, results: Any) -> Any:
        """Apply the step."""
        return self.transform(results)

    @abstractmethod
    def transform(self, results: dict[str, Any]) -> Any:
        """The step itself."""


class Compose:
    """Steps in a row, from dicts or callables."""

    takes_config = True

    def __init__(self, transforms: Any = ()) -> None:
        steps = [transforms] if isinstance(transforms, Mapping) or callable(transforms) else transforms or ()
        self.transforms = [build_transform(step) for step in steps]

    def __call__(self, data: Any) -> Any:
        """The sample after all steps; None where one dropped it."""
        for step in self.transforms:
            data = step(data)
            if data is None:
                return None
        return data

    def __iter__(self) -> Iterator[Any]:
        return iter(self.transforms)

    def __len__(self) -> int:
        return len(self.transforms)

    def __repr__(self) -> str:
        return pipeline(self.transforms)


def build_transform(step: Any) -> Any:
    """The transform of a dict, one that 0.x wrote included."""
    if not isinstance(step, Mapping):
        if not callable(step):
            raise TypeError(f"transform must be callable or a dict, but got {type(step).__name__}")
        return step
    return TRANSFORMS.build(step)


def cache_randomness(method: Any) -> Any:
    """Marks a method that draws random numbers; within ``cache_random_params`` it draws once."""

    @functools.wraps(method)
    def drawn(self: Any, *args: Any, **kwargs: Any) -> Any:
        cache = getattr(self, "_drawn", None)
        if cache is None:
            return method(self, *args, **kwargs)
        if method.__name__ not in cache:
            cache[method.__name__] = method(self, *args, **kwargs)
        return cache[method.__name__]

    return drawn


@contextmanager
def cache_random_params(transforms: Any) -> Iterator[None]:
    """Within it, the ``cache_randomness`` methods of these transforms draw once."""
    steps = [transforms] if not isinstance(transforms, (list, tuple)) else list(transforms)
    for step in steps:
        step._drawn = {}
    try:
        yield
    finally:
        for step in steps:
            del step._drawn


def avoid_cache_randomness(cls: Any) -> Any:
    """Marks a transform that must not be cached; nothing follows from it here."""
    return cls


def to_tensor(data: Any) -> Tensor:
    """Numbers, sequences, arrays and tensors to a tensor."""
    if isinstance(data, Tensor):
        return data
    if isinstance(data, np.ndarray):
        return torch.from_numpy(data)
    if isinstance(data, Sequence) and not isinstance(data, str):
        return torch.tensor(data)
    if isinstance(data, int):
        return torch.LongTensor([data])
    if isinstance(data, float):
        return torch.FloatTensor([data])
    raise TypeError(f"type {type(data)} cannot be converted to tensor.")
