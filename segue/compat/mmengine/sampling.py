"""mmengine's samplers and collate functions, and the seeds of workers."""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import Sampler
from torch.utils.data import default_collate as torch_collate

from segue.compat.mmengine.collectives import sync_random_seed
from segue.compat.mmengine.processes import get_dist_info
from segue.compat.mmengine.structures import BaseDataElement


class DefaultSampler(Sampler[int]):
    """Each process its share of an epoch's samples; ``set_epoch`` changes their order."""

    def __init__(self, dataset: Any, shuffle: bool = True, seed: int | None = None, round_up: bool = True) -> None:
        self.rank, self.world_size = get_dist_info()
        self.dataset, self.shuffle, self.round_up, self.epoch = dataset, shuffle, round_up, 0
        self.seed = sync_random_seed() if seed is None else seed
        count = len(dataset)
        self.num_samples = math.ceil((count if round_up else count - self.rank) / self.world_size)
        self.total_size = self.num_samples * self.world_size if round_up else count

    def __iter__(self) -> Iterator[int]:
        count = len(self.dataset)
        draw = torch.Generator().manual_seed(self.seed + self.epoch)
        order = torch.randperm(count, generator=draw).tolist() if self.shuffle else list(range(count))
        if self.round_up and order:
            order = (order * (self.total_size // count + 1))[: self.total_size]
        return iter(order[self.rank : self.total_size : self.world_size])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Which epoch comes next."""
        self.epoch = epoch


class InfiniteSampler(Sampler[int]):
    """Samples without end, each process every ``world_size``-th of one order."""

    def __init__(self, dataset: Any, shuffle: bool = True, seed: int | None = None) -> None:
        self.rank, self.world_size = get_dist_info()
        self.dataset, self.size, self.shuffle = dataset, len(dataset), shuffle
        self.seed = sync_random_seed() if seed is None else seed
        self.indices = self._indices_of_rank()

    def _infinite_indices(self) -> Iterator[int]:
        draw = torch.Generator().manual_seed(self.seed)
        while True:
            yield from torch.randperm(self.size, generator=draw).tolist() if self.shuffle else range(self.size)

    def _indices_of_rank(self) -> Iterator[int]:
        for place, index in enumerate(self._infinite_indices()):
            if place % self.world_size == self.rank:
                yield index

    def __iter__(self) -> Iterator[int]:
        yield from self.indices

    def __len__(self) -> int:
        return self.size

    def set_epoch(self, epoch: int) -> None:
        """Nothing: there are no epochs."""


def default_collate(data_batch: Sequence[Any]) -> Any:
    """Tensors and numbers stacked, through dicts and tuples; samples and texts stay lists."""
    first = data_batch[0]
    if isinstance(first, (BaseDataElement, str, bytes)):
        return data_batch
    if isinstance(first, dict):
        return type(first)({key: default_collate([item[key] for item in data_batch]) for key in first})
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*(default_collate(items) for items in zip(*data_batch, strict=True)))
    if isinstance(first, Sequence):
        if len({len(item) for item in data_batch}) > 1:
            raise RuntimeError("each element in list of batch should be of equal size")
        found = [default_collate(items) for items in zip(*data_batch, strict=True)]
        return found if isinstance(first, tuple) else type(first)(found)  # type: ignore[call-arg]
    return torch_collate(list(data_batch))


def worker_init_fn(
    worker_id: int, num_workers: int, rank: int, seed: int, disable_subprocess_warning: bool = False
) -> None:
    """Seeds of its own for each worker of each process."""
    own = num_workers * rank + worker_id + seed
    np.random.seed(own)
    random.seed(own)
    torch.manual_seed(own)


def force_full_init(old_func: Any) -> Any:
    """A decorator: the dataset reads its list of samples first."""

    @functools.wraps(old_func)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not hasattr(self, "full_init"):
            raise AttributeError(f"{type(self).__name__} does not have full_init")
        if not getattr(self, "_fully_initialized", False):
            self.full_init()
            self._fully_initialized = True
        return old_func(self, *args, **kwargs)

    return wrapper
